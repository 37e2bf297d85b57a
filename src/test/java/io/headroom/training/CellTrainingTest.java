package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CellTrainingTest {
    private NDManager manager;
    private Model model;
    private SequentialBlock block;

    @BeforeEach
    void aModel() {
        manager = NDManager.newBaseManager(Engine.getEngine("PyTorch").defaultDevice(), "PyTorch");
        model = Model.newInstance("mine", "PyTorch");
        block = new SequentialBlock()
                .add(Linear.builder().setUnits(16).build())
                .add(Activation::relu)
                .add(Linear.builder().setUnits(3).build());
        model.setBlock(block);
    }

    @AfterEach
    void close() {
        model.close();
        manager.close();
    }

    private Trainer trainer(Optimizer optimizer) {
        Trainer trainer =
                model.newTrainer(new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss()).optOptimizer(optimizer));
        trainer.initialize(new Shape(1, 20));
        return trainer;
    }

    @Test
    void aHandWrittenStepIsReadFromItsTrainerAndItsArray() {
        try (Trainer trainer = trainer(Optimizer.adam().build())) {
            NDArray x = manager.zeros(new Shape(64, 20));
            NDArray y = manager.zeros(new Shape(64));
            Optional<Workload> step = CellTraining.find(
                    "try (var gc = trainer.newGradientCollector()) { gc.backward(loss.evaluate(new NDList(y), trainer.forward(new NDList(x)))); }",
                    Map.of("trainer", trainer, "x", x, "y", y));
            assertThat(step).contains(Workload.of(block, new Shape(64, 20), OptimizerKind.ADAM));
        }
    }

    @Test
    void aDataSetTellsTheBatch() {
        try (Trainer trainer = trainer(
                Optimizer.sgd().setLearningRateTracker(Tracker.fixed(0.1f)).build())) {
            ArrayDataset photos = new ArrayDataset.Builder()
                    .setData(manager.zeros(new Shape(100, 20)))
                    .optLabels(manager.zeros(new Shape(100)))
                    .setSampling(25, false)
                    .build();
            Optional<Workload> step = CellTraining.find(
                    "EasyTrain.fit(trainer, 5, photos, null)", Map.of("trainer", trainer, "photos", photos));
            assertThat(step).contains(Workload.of(block, new Shape(25, 20), OptimizerKind.SGD));
        }
    }

    @Test
    void momentumAndMicroBatchesAreSeen() {
        try (Trainer trainer = trainer(Optimizer.sgd()
                .setLearningRateTracker(Tracker.fixed(0.1f))
                .optMomentum(0.9f)
                .build())) {
            NDArray x = manager.zeros(new Shape(64, 20));
            Map<String, Object> variables = Map.of("trainer", trainer, "x", x);
            assertThat(CellTraining.find("MicroBatches.train(trainer, batch(x), 4); trainer.step();", variables))
                    .contains(Workload.of(block, new Shape(64, 20), OptimizerKind.MOMENTUM)
                            .accumulation(4));
            assertThat(CellTraining.find("MicroBatches.train(trainer, batch(x), parts); trainer.step();", variables))
                    .isEmpty();
        }
    }

    @Test
    void aFunctionOfTheNotebookIsOfItsOnlyTrainer() {
        try (Trainer trainer = trainer(Optimizer.adam().build())) {
            NDArray x = manager.zeros(new Shape(8, 20));
            assertThat(CellTraining.find("trainOnce(x)", Map.of("trainer", trainer, "x", x)))
                    .contains(Workload.of(block, new Shape(8, 20), OptimizerKind.ADAM));
        }
    }

    @Test
    void nothingIsSaidWhereAnotherStepCouldBeMeant() {
        try (Trainer trainer = trainer(Optimizer.adam().build());
                Trainer second = trainer(Optimizer.adam().build())) {
            NDArray x = manager.zeros(new Shape(8, 20));
            NDArray other = manager.zeros(new Shape(8, 21));
            Map<String, Object> variables = Map.of("trainer", trainer, "x", x, "other", other);
            assertThat(CellTraining.find("model.predict(x)", variables)).isEmpty();
            assertThat(CellTraining.find("trainer.step()", variables)).isEmpty();
            assertThat(CellTraining.find("fit(trainer, other)", variables)).isEmpty();
            assertThat(CellTraining.find("train(training(40, sample))", variables))
                    .as("a cell of this library's own")
                    .isEmpty();
            assertThat(CellTraining.find("fit(x)", Map.of("a", trainer, "b", second, "x", x)))
                    .isEmpty();
        }
    }

    @Test
    void anOptimizerWhoseStateIsUnknownIsNoAnswer() {
        try (Trainer trainer = trainer(Optimizer.adadelta().build())) {
            NDArray x = manager.zeros(new Shape(8, 20));
            assertThat(CellTraining.find("fit(trainer, x)", Map.of("trainer", trainer, "x", x)))
                    .isEmpty();
        }
    }

    @Test
    void aClosedArrayIsNotTheInput() {
        try (Trainer trainer = trainer(Optimizer.adam().build())) {
            NDArray x = manager.zeros(new Shape(8, 20));
            x.close();
            assertThat(CellTraining.find("fit(trainer, x)", Map.of("trainer", trainer, "x", x)))
                    .isEmpty();
        }
    }

    @Test
    void anArrayThatTheCellSlicesIsNotTheBatch() {
        try (Trainer trainer = trainer(Optimizer.adam().build())) {
            NDArray images = manager.zeros(new Shape(2000, 20));
            assertThat(CellTraining.find(
                            "for (int i = 0; i < 2000; i += 32) { var x = images.get(\"{}:{}\", i, i + 32);"
                                    + " trainer.forward(new NDList(x)); trainer.step(); }",
                            Map.of("trainer", trainer, "images", images)))
                    .isEmpty();
            assertThat(CellTraining.find(
                            "for (var x : images.split(50)) { fit(trainer, x); } use(images);",
                            Map.of("trainer", trainer, "images", images)))
                    .isEmpty();
        }
    }

    @Test
    void aForwardPassAloneIsNoTraining() {
        try (Trainer trainer = trainer(Optimizer.adam().build())) {
            NDArray test = manager.zeros(new Shape(1000, 20));
            assertThat(CellTraining.find(
                            "trainer.evaluate(new NDList(test))", Map.of("trainer", trainer, "test", test)))
                    .isEmpty();
        }
    }

    @Test
    void aTestSetBesideTheTrainingIsNotItsBatch() {
        try (Trainer trainer = trainer(Optimizer.adam().build())) {
            NDArray x = manager.zeros(new Shape(32, 20));
            NDArray test = manager.zeros(new Shape(1000, 20));
            ArrayDataset set = new ArrayDataset.Builder()
                    .setData(manager.zeros(new Shape(100, 20)))
                    .optLabels(manager.zeros(new Shape(100)))
                    .setSampling(25, false)
                    .build();
            Map<String, Object> variables = Map.of("trainer", trainer, "x", x, "test", test, "set", set);
            assertThat(CellTraining.find("fit(trainer, set); score(new NDList(test));", variables))
                    .as("a data set and an array of another batch")
                    .isEmpty();
            assertThat(CellTraining.find("fit(trainer, x); score(new NDList(test));", variables))
                    .as("two batches")
                    .isEmpty();
            assertThat(CellTraining.find("fit(trainer, x); trainer.evaluate(new NDList(test));", variables))
                    .contains(Workload.of(block, new Shape(32, 20), OptimizerKind.ADAM));
        }
    }

    @Test
    void commentsAndStringsNameNothing() {
        try (Trainer trainer = trainer(Optimizer.adam().build())) {
            NDArray images = manager.zeros(new Shape(2000, 20));
            ArrayDataset set = new ArrayDataset.Builder()
                    .setData(images)
                    .optLabels(manager.zeros(new Shape(2000)))
                    .setSampling(25, false)
                    .build();
            Map<String, Object> variables = Map.of("trainer", trainer, "images", images, "set", set);
            assertThat(CellTraining.find("// train on (images) later\nEasyTrain.fit(trainer, 1, set, null)", variables))
                    .contains(Workload.of(block, new Shape(25, 20), OptimizerKind.ADAM));
            assertThat(CellTraining.find("log(\"fit(images)\", trainer); /* fit(images) */", variables))
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "for (NDArray x : data) { var y = trainer.forward(new NDList(x)); trainer.step(); }",
                "for (final NDArray x : data) fit(trainer, x);",
                "for (int i = 0; i < 9; i++) { NDArray x = data.get(i); trainer.forward(new NDList(x)); }",
                "for (int i = 0; i < 9; i++) { NDArray a = data.get(i), x = a; trainer.forward(new NDList(x)); }",
                "data.forEach(x -> { trainer.forward(new NDList(x)); trainer.step(); });",
                "each((i, x) -> { trainer.forward(new NDList(x)); trainer.step(); });",
                "each((int i, NDArray x) -> { trainer.forward(new NDList(x)); trainer.step(); });",
                "void fitAll(NDArray x) { trainer.forward(new NDList(x)); trainer.step(); } fitAll(data.get(0));",
                "void fitAll(NDArray... x) { trainer.forward(new NDList(x)); trainer.step(); }",
                "try (NDArray x = next()) { fit(trainer, x); }",
                "if (next instanceof NDArray x) { fit(trainer, x); }",
                "for (NDList x : lists) { trainer.forward(x); trainer.step(); }",
                "for (Map.Entry<String, NDArray> x : all) { fit(trainer, x); }",
                "try { next(); } catch (RuntimeException x) { fit(trainer, x); }",
            })
    void aNameOfTheCellsOwnIsNotTheNotebooksVariable(String cell) {
        try (Trainer trainer = trainer(Optimizer.adam().build())) {
            NDArray x = manager.zeros(new Shape(10_000, 20));
            assertThat(CellTraining.find(cell, Map.of("trainer", trainer, "x", x, "data", List.of())))
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "for (NDArray b : data) { fit(trainer, b); } var acc = accuracy(model, test);",
                "for (NDArray b : data) { fit(trainer, b); } trainer.forward(new NDList(test));",
                "var it = batches(test, n); while (it.hasNext()) { fit(trainer, it.next()); }",
                "var parts = new NDList(test).split(4); for (var p : parts) { fit(trainer, p); }",
                "fit(trainer, new NDList(test).split(4)[0]);",
                "fit(trainer, batches(test, 32));",
                "fit(trainer, batch(test, 32));",
                "fit(trainer, test, 32);",
                "fit(trainer, test, n);",
                "for (int i = 0; i < 9; i++) trainBatch(trainer, test, i);",
                "for (int i = 0; i < 9; i++) { NDList in = new NDList(test); in = next(); trainer.forward(in); }",
                "fitAll(); trainer.forward(new NDList(test));",
            })
    void anArrayOfAnotherCallIsNotTheBatch(String cell) {
        try (Trainer trainer = trainer(Optimizer.adam().build())) {
            NDArray test = manager.zeros(new Shape(5_000, 20));
            assertThat(CellTraining.find(
                            cell, Map.of("trainer", trainer, "model", model, "test", test, "n", 32, "data", List.of())))
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "var y = trainer.forward(new NDList(x)); trainer.step();",
                "NDArray x = manager.zeros(shape); for (int i = 0; i < 9; i++) { fit(trainer, x); }",
                "for (int i = 0; i < 9; i++) { NDList in = new NDList(x); trainer.forward(in); trainer.step(); }",
                "try (NDList in = new NDList(x)) { trainer.forward(in); trainer.step(); }",
                "for (int i = 0; i < 9; i++) { Batch b = new Batch(manager, new NDList(x), new NDList(y), 64);"
                        + " EasyTrain.trainBatch(trainer, b); trainer.step(); }",
                "model.getBlock().forward(store, new NDList(new NDArray[] {x}), true); trainer.step();",
                "for (int epoch = 0; epoch < 5; epoch++) { fit(trainer, x, y); log(epoch); }",
                "if (epochs > x.size(0)) fit(trainer, x); ",
            })
    void anArrayThatEveryTrainingCallIsGivenIsTheBatch(String cell) {
        try (Trainer trainer = trainer(Optimizer.adam().build())) {
            NDArray x = manager.zeros(new Shape(64, 20));
            NDArray y = manager.zeros(new Shape(64));
            assertThat(CellTraining.find(cell, Map.of("trainer", trainer, "model", model, "x", x, "y", y)))
                    .contains(Workload.of(block, new Shape(64, 20), OptimizerKind.ADAM));
        }
    }

    @Test
    void aTrainerOfTheCellsOwnIsNotTheNotebooks() {
        try (Trainer trainer = trainer(Optimizer.adam().build());
                Model other = Model.newInstance("other", "PyTorch")) {
            NDArray x = manager.zeros(new Shape(64, 20));
            other.setBlock(new SequentialBlock().add(Activation::relu));
            Map<String, Object> variables = Map.of("trainer", trainer, "other", other, "x", x);
            assertThat(CellTraining.find(
                            "try (Trainer trainer = other.newTrainer(config)) { fit(trainer, x); }", variables))
                    .isEmpty();
            assertThat(CellTraining.find("try (Trainer t = other.newTrainer(config)) { fit(t, x); }", variables))
                    .isEmpty();
        }
    }

    @Test
    void aLoopOverADataSetIsOfItsBatch() {
        try (Trainer trainer = trainer(Optimizer.adam().build())) {
            ArrayDataset photos = new ArrayDataset.Builder()
                    .setData(manager.zeros(new Shape(100, 20)))
                    .optLabels(manager.zeros(new Shape(100)))
                    .setSampling(25, false)
                    .build();
            assertThat(CellTraining.find(
                            "for (Batch next : trainer.iterateDataset(photos)) { EasyTrain.trainBatch(trainer, next);"
                                    + " trainer.step(); next.close(); }",
                            Map.of("trainer", trainer, "photos", photos)))
                    .contains(Workload.of(block, new Shape(25, 20), OptimizerKind.ADAM));
        }
    }
}
