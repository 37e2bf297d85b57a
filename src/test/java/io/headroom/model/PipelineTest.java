package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoopTranslator;
import io.headroom.memory.LiveArrays;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PipelineTest {
    @TempDir
    static Path models;

    @BeforeAll
    static void write() throws IOException {
        SampleModels.write(models, 256 * Bytes.KIB);
    }

    @Test
    void showsWhatItIsGoingToDo() {
        assertThat(new Pipeline())
                .hasToString(
                        "Pipeline of no models yet: add some with then(\"age\", () -> load(\"age\", path), model -> …).");
        assertThat(threeModels().toString()).startsWith("Pipeline of 3 models: age, broken, cancer. run() runs them");
    }

    @Test
    void modelsRunOneAfterAnotherAndResultsAreKeptWhenAsked() {
        List<String> seen = new ArrayList<>();
        try (PipelineReport report = threeModels()
                .keepResults()
                .onProgress(at -> seen.add(at.done() + "/" + at.of() + at.name()))
                .run()) {
            assertThat(report.succeeded()).isFalse();
            assertThat(((NDList) report.result("age").orElseThrow())
                            .singletonOrThrow()
                            .toFloatArray())
                    .hasSize(2);
            assertThat(report.result("broken")).isEmpty();
            assertThat(((NDList) report.result("cancer").orElseThrow())
                            .singletonOrThrow()
                            .toFloatArray())
                    .hasSize(2);
            assertThat(report.toString()).contains("broken: ").contains("failed: There is no model file");
            assertThat(report.stages().get(0).release()).isPresent();
            assertThat(report.peak()).isPresent();
        }
        assertThat(seen).containsExactly("0/3age", "1/3broken", "2/3cancer", "3/3");
        assertThat(Models.loaded()).isEmpty();
    }

    @Test
    void aKeptModelThatCannotBeClosedLosesNoResult() {
        Pipeline pipeline = new Pipeline()
                .then(
                        "stubborn",
                        () -> LoadedModelTest.stubborn(Model.newInstance("stubborn", "PyTorch")),
                        model -> model.newPredictor(new NoopTranslator()).toString())
                .then("age", () -> Models.load("age", models.resolve("age.pt")), LoadedModel::name)
                .keepResults()
                .keepLoaded();
        try (PipelineReport report = pipeline.run()) {
            assertThat(report.stages().get(0).failure()).containsInstanceOf(ModelException.class);
            assertThat(report.stages().get(1).failure()).isEmpty();
            assertThat(report.result("age")).contains("age");
        }
        assertThat(Models.loaded()).isEmpty();
    }

    @Test
    void withoutBeingAskedNothingIsKept() {
        try (PipelineReport report = threeModels().run()) {
            assertThat(report.result("age")).isEmpty();
        }
    }

    @Test
    void aModelThatFailsWhilePredictingIsReleased() {
        try (PipelineReport report = new Pipeline()
                .then("age", () -> Models.load("age", models.resolve("age.pt")), model -> {
                    throw new IllegalStateException("no samples");
                })
                .run()) {
            assertThat(report.stages().get(0).failure()).isPresent();
            assertThat(Models.loaded()).isEmpty();
        }
    }

    @Test
    void aMiddleModelThatRunsOutOfMemoryIsReleasedAndTheResultsBeforeItStay() {
        List<LoadedModel> middle = new ArrayList<>();
        EngineException thrown = new EngineException("DefaultCPUAllocator: can't allocate memory");
        try (PipelineReport report = middleFails(middle, thrown).keepResults().run()) {
            PipelineReport.Stage failed = report.stages().get(1);
            assertThat(failed.failure()).containsSame(thrown);
            assertThat(failed.release()).isPresent();
            assertThat(middle).singleElement().matches(LoadedModel::isReleased);
            assertThat(values(report, "age")).hasSize(2);
            assertThat(report.result("clock")).isEmpty();
            assertThat(values(report, "cancer")).hasSize(2);
            assertThat(report.succeeded()).isFalse();
            assertThat(report.toString()).contains("failed: DefaultCPUAllocator: can't allocate memory");
        }
        assertThat(Models.loaded()).isEmpty();
    }

    @Test
    void aFailedAssertionOrADeepRecursionEndsOnlyItsModelsTurn() {
        for (Error thrown : List.of(new AssertionError("too old"), new StackOverflowError())) {
            try (PipelineReport report =
                    middleFails(new ArrayList<>(), thrown).keepResults().run()) {
                assertThat(report.stages().get(1).failure()).containsSame(thrown);
                assertThat(values(report, "age")).hasSize(2);
            }
        }
    }

    @Test
    void anInterruptReleasesTheModelAndEndsThePipeline() {
        List<LoadedModel> middle = new ArrayList<>();
        try (PipelineReport report =
                middleFails(middle, new InterruptedException()).keepResults().run()) {
            assertThat(Thread.interrupted()).isTrue();
            assertThat(report.stages()).extracting(PipelineReport.Stage::name).containsExactly("age", "clock");
            assertThat(middle).singleElement().matches(LoadedModel::isReleased);
            assertThat(values(report, "age")).hasSize(2);
            assertThat(report.succeeded()).isFalse();
        }
        assertThat(Models.loaded()).isEmpty();
    }

    @Test
    void keptLoadedAllStayUntilTheLastHasRunTheFailedOneToo() {
        List<LoadedModel> middle = new ArrayList<>();
        List<String> together = new ArrayList<>();
        try (PipelineReport report = middleFails(middle, new IllegalStateException("no samples"))
                .then("last", () -> Models.load("last", models.resolve("age.pt")), model -> {
                    Models.loaded().forEach(each -> together.add(each.name()));
                    return predict(model);
                })
                .keepResults()
                .keepLoaded()
                .run()) {
            assertThat(together).containsExactly("age", "clock", "cancer", "last");
            assertThat(middle).singleElement().matches(LoadedModel::isReleased);
            assertThat(report.stages()).allMatch(stage -> stage.release().isEmpty());
            assertThat(values(report, "age")).hasSize(2);
            assertThat(report.predictedKept().orElseThrow())
                    .isGreaterThan(report.predictedReleased().orElseThrow());
        }
        assertThat(Models.loaded()).isEmpty();
    }

    @Test
    void aListenerThatThrowsLosesNothing() {
        try (PipelineReport report = middleFails(new ArrayList<>(), new IllegalStateException("no samples"))
                .onProgress(at -> {
                    throw new IllegalStateException("no display");
                })
                .keepResults()
                .run()) {
            assertThat(values(report, "cancer")).hasSize(2);
        }
    }

    @Test
    void closingAReportTwiceIsNoError() {
        PipelineReport report = threeModels().keepResults().run();
        report.close();
        report.close();
        assertThat(report.stages()).hasSize(3);
    }

    @Test
    void resultsInCollectionsAndRecordsAreKeptToo() {
        PipelineReport report = new Pipeline()
                .then("list", PipelineTest::age, model -> List.of(one(model), predict(model)))
                .then("map", PipelineTest::age, model -> Map.of("a", one(model)))
                .then("array", PipelineTest::age, model -> new NDArray[] {one(model)})
                .then("record", PipelineTest::age, model -> new Years("a", Optional.of(one(model))))
                .keepResults()
                .run();
        try (report) {
            assertThat(report.succeeded()).isTrue();
            List<?> list = (List<?>) report.result("list").orElseThrow();
            assertThat(((NDArray) list.get(0)).toFloatArray()).hasSize(2);
            assertThat(((NDList) list.get(1)).singletonOrThrow().toFloatArray()).hasSize(2);
            Map<?, ?> map = (Map<?, ?>) report.result("map").orElseThrow();
            assertThat(((NDArray) map.get("a")).toFloatArray()).hasSize(2);
            NDArray[] array = (NDArray[]) report.result("array").orElseThrow();
            assertThat(array[0].toFloatArray()).hasSize(2);
            Years years = (Years) report.result("record").orElseThrow();
            assertThat(years.years().orElseThrow().toFloatArray()).hasSize(2);
        }
        assertThat(report.result("array").map(each -> ((NDArray[]) each)[0]))
                .get()
                .matches(each -> !LiveArrays.isOpen(each));
    }

    @Test
    void aResultThatHoldsTheModelOrTheUsersOwnDataMovesNeither() {
        List<NDArray> parameters = new ArrayList<>();
        try (NDManager own = NDManager.newBaseManager("PyTorch")) {
            NDArray data = own.ones(new Shape(2));
            try (PipelineReport report = new Pipeline()
                    .then("cancer", PipelineTest::cancer, model -> {
                        model.block().getParameters().values().forEach(each -> parameters.add(each.getArray()));
                        return Map.of("model", model, "data", data, "years", one(model));
                    })
                    .keepResults()
                    .run()) {
                assertThat(report.succeeded()).isTrue();
                assertThat(parameters).isNotEmpty().noneMatch(LiveArrays::isOpen);
                Map<?, ?> result = (Map<?, ?>) report.result("cancer").orElseThrow();
                assertThat(((NDArray) result.get("years")).toFloatArray()).hasSize(2);
            }
            assertThat(data.toFloatArray()).hasSize(2);
        }
    }

    @Test
    void aStageThatLacksSomethingIsRefusedAtOnceAndThePipelineIsAsBefore() {
        Pipeline pipeline = new Pipeline().then("age", PipelineTest::age, PipelineTest::predict);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pipeline.then(null, PipelineTest::age, PipelineTest::predict))
                .withMessageStartingWith("then(null, load, use): a name for its report is missing.");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pipeline.then(" ", PipelineTest::age, PipelineTest::predict))
                .withMessageStartingWith("then(\" \", load, use): a name");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pipeline.then("b", null, PipelineTest::predict))
                .withMessageStartingWith("then(\"b\", null, use): what loads it is missing.");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pipeline.then("b", PipelineTest::age, null))
                .withMessageStartingWith("then(\"b\", load, null): what is done with it is missing.");
        try (PipelineReport report = pipeline.keepResults().run()) {
            assertThat(report.stages()).hasSize(1);
            assertThat(values(report, "age")).hasSize(2);
        }
    }

    @Test
    void aLoadThatReturnsNothingFailsItsModelsTurnOnly() {
        try (PipelineReport report = new Pipeline()
                .then("age", PipelineTest::age, PipelineTest::predict)
                .then("none", () -> null, PipelineTest::predict)
                .keepResults()
                .run()) {
            assertThat(report.stages().get(1).failure().orElseThrow()).hasMessageContaining("\"none\" returned null");
            assertThat(values(report, "age")).hasSize(2);
        }
    }

    @Test
    void anEmptyPipelineSaysWhatToAdd() {
        assertThatThrownBy(() -> new Pipeline().run()).hasMessageContaining("then(");
    }

    private static Pipeline threeModels() {
        return new Pipeline()
                .then("age", () -> Models.load("age", models.resolve("age.pt")), PipelineTest::predict)
                .then("broken", () -> Models.load("broken", models.resolve("missing.pt")), PipelineTest::predict)
                .then("cancer", PipelineTest::cancer, PipelineTest::predict);
    }

    private static Pipeline middleFails(List<LoadedModel> middle, Throwable thrown) {
        return new Pipeline()
                .then("age", () -> Models.load("age", models.resolve("age.pt")), PipelineTest::predict)
                .then("clock", () -> Models.load("clock", models.resolve("age.pt")), model -> {
                    middle.add(model);
                    predict(model);
                    if (thrown instanceof Error error) {
                        throw error;
                    }
                    throw (Exception) thrown;
                })
                .then("cancer", () -> Models.load("cancer", models.resolve("age.pt")), PipelineTest::predict);
    }

    private record Years(String name, Optional<NDArray> years) {}

    private static LoadedModel age() {
        return Models.load("age", models.resolve("age.pt"));
    }

    private static LoadedModel cancer() {
        return Models.load("cancer", SampleModels.perceptron(128 * Bytes.KIB), models.resolve("cancer-0000.params"));
    }

    private static NDArray one(LoadedModel model) {
        return predict(model).singletonOrThrow();
    }

    private static float[] values(PipelineReport report, String name) {
        return ((NDList) report.result(name).orElseThrow()).singletonOrThrow().toFloatArray();
    }

    private static NDList predict(LoadedModel model) {
        return model.predict(new NDList(model.manager().ones(new Shape(2, SampleModels.FEATURES))));
    }
}
