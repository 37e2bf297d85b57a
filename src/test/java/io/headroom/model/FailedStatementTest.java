package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.metric.Metrics;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.util.PairList;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.StringTokenizer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import shelves.Shelf;

/** What a failed statement opened is released, and nothing that a model, a trainer or another variable needs. */
class FailedStatementTest {
    private final NDManager manager = NDManager.newBaseManager("PyTorch");

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void aBatchThatNobodyClosedGoesAndTheTrainerStays() {
        try (Model model = Model.newInstance("net")) {
            model.setBlock(Linear.builder().setUnits(8).build());
            try (Trainer trainer = model.newTrainer(new DefaultTrainingConfig(Loss.l2Loss()))) {
                trainer.initialize(new Shape(1, 1 << 20));
                List<Variable> variables =
                        List.of(new Variable("model", "Model", model), new Variable("trainer", "Trainer", trainer));
                Leftovers.Mark mark = Leftovers.mark();
                NDManager batch = trainer.getManager().newSubManager();
                NDArray data = batch.ones(new Shape(4, 1 << 20));
                trainer.evaluate(new NDList(data));

                Leftovers left = Leftovers.since(mark, "train(trainer);", variables);

                assertThat(left.bytes()).isBetween(16 * Bytes.MIB, 17 * Bytes.MIB);
                ReleaseReport report = left.release(variables);
                assertThat(report.returned().orElse(0)).isGreaterThan(14 * Bytes.MIB);
                assertThat(data.isReleased()).isTrue();
                assertThat(Leftovers.since(mark, "train(trainer);", variables).bytes())
                        .isZero();
                try (NDManager next = trainer.getManager().newSubManager()) {
                    assertThat(trainer.evaluate(new NDList(next.ones(new Shape(1, 1 << 20))))
                                    .singletonOrThrow()
                                    .getShape())
                            .isEqualTo(new Shape(1, 8));
                }
            }
        }
    }

    @Test
    void whatTheStatementPutIntoItsListGoesAndWhatWasThereStays() {
        NDArray early = manager.ones(new Shape(1 << 20));
        List<NDArray> kept = new ArrayList<>(List.of(early));
        List<NDArray> other = new ArrayList<>();
        List<Variable> variables = List.of(
                new Variable("manager", "NDManager", manager),
                new Variable("kept", "List<NDArray>", kept),
                new Variable("other", "List<NDArray>", other));
        Leftovers.Mark mark = Leftovers.mark();
        for (int i = 0; i < 4; i++) {
            kept.add(manager.ones(new Shape(1 << 20)));
        }
        other.add(manager.ones(new Shape(1 << 20)));

        Leftovers left = Leftovers.since(mark, "for (;;) kept.add(manager.ones(shape));", variables);

        assertThat(left.bytes()).isEqualTo(16 * Bytes.MIB);
        left.release(variables);
        assertThat(early.isReleased()).isFalse();
        assertThat(other.get(0).isReleased()).isFalse();
        assertThat(kept.subList(1, 5)).allMatch(NDArray::isReleased);
    }

    @Test
    void modelsInAVariableStay() {
        List<Model> models = new ArrayList<>();
        List<Variable> variables = List.of(new Variable("models", "List<Model>", models));
        Leftovers.Mark mark = Leftovers.mark();
        Model model = Model.newInstance("second");
        model.setBlock(Linear.builder().setUnits(8).build());
        model.getBlock().initialize(model.getNDManager(), ai.djl.ndarray.types.DataType.FLOAT32, new Shape(1, 1 << 10));
        models.add(model);

        Leftovers left = Leftovers.since(mark, "for (;;) models.add(make());", variables);
        left.release(variables);

        assertThat(model.getBlock().getParameters().valueAt(0).getArray().isReleased())
                .isFalse();
        model.close();
    }

    @Test
    void aFirstStatementMayStartTheEngine() {
        Leftovers.Mark mark = Leftovers.mark();
        NDManager forgotten = NDManager.newBaseManager("PyTorch");
        forgotten.ones(new Shape(1 << 20));

        Leftovers.since(mark, "run();", List.of()).release(List.of());

        assertThat(forgotten.isOpen()).isFalse();
        try (NDManager next = NDManager.newBaseManager("PyTorch")) {
            assertThat(next.ones(new Shape(2)).sum().getFloat()).isEqualTo(2);
        }
    }

    private static final class Masked extends AbstractBlock {
        private NDArray mask;

        @Override
        protected NDList forwardInternal(
                ParameterStore parameters, NDList inputs, boolean training, PairList<String, Object> params) {
            return inputs;
        }

        @Override
        public Shape[] getOutputShapes(Shape[] inputShapes) {
            return inputShapes;
        }
    }

    @Test
    void whatABlockCachesAndAReferenceHoldsStays() {
        Masked block = new Masked();
        SequentialBlock net = new SequentialBlock().add(block);
        AtomicReference<NDArray> best = new AtomicReference<>();
        CompletableFuture<NDArray> later = new CompletableFuture<>();
        List<Variable> variables = List.of(
                new Variable("manager", "NDManager", manager),
                new Variable("net", "Block", net),
                new Variable("best", "AtomicReference<NDArray>", best),
                new Variable("later", "CompletableFuture<NDArray>", later));
        Leftovers.Mark mark = Leftovers.mark();
        NDManager batch = manager.newSubManager();
        block.mask = manager.ones(new Shape(1 << 20));
        best.set(batch.newSubManager().ones(new Shape(1 << 20)));
        later.complete(manager.ones(new Shape(1 << 20)));
        NDArray lost = batch.ones(new Shape(1 << 20));

        Leftovers left = Leftovers.since(mark, "step();", variables);

        assertThat(left.bytes()).isEqualTo(4 * Bytes.MIB);
        left.release(variables);
        assertThat(lost.isReleased()).isTrue();
        assertThat(List.of(block.mask, best.get(), later.join())).noneMatch(NDArray::isReleased);
    }

    @Test
    void whatALaterStatementTookStays() {
        List<NDArray> outs = new ArrayList<>();
        List<Variable> variables = new ArrayList<>(List.of(new Variable("outs", "List<NDArray>", outs)));
        Leftovers.Mark mark = Leftovers.mark();
        NDManager batch = manager.newSubManager();
        NDManager below = batch.newSubManager();
        for (int i = 0; i < 3; i++) {
            outs.add(below.ones(new Shape(1 << 20)));
        }
        Leftovers left = Leftovers.since(mark, "for (;;) outs.add(next());", variables);
        assertThat(left.bytes()).isEqualTo(12 * Bytes.MIB);
        assertThat(left.names()).containsExactly("outs");

        variables.add(new Variable("first", "NDArray", outs.get(0)));
        left.release(variables);

        assertThat(outs).extracting(NDArray::isReleased).containsExactly(false, true, true);
        assertThat(left.bytes()).isEqualTo(4 * Bytes.MIB);
        assertThat(outs.get(0).sum().getFloat()).isEqualTo(1 << 20);
    }

    @Test
    void aVariableThatIsAnArrayStaysThoughTheStatementSetIt() {
        NDArray weights = manager.ones(new Shape(4));
        Leftovers.Mark mark = Leftovers.mark();
        NDArray next = weights.add(1);

        Leftovers left = Leftovers.since(
                mark, "for (;;) weights = step(weights);", List.of(new Variable("weights", "NDArray", next)));

        assertThat(left.bytes()).isZero();
        left.release(List.of(new Variable("weights", "NDArray", next)));
        assertThat(next.isReleased()).isFalse();
    }

    private record Row(String id, int label, float[] pixels) {}

    @Test
    void dataThatHoldsNoArraysIsNotLookedThrough() {
        List<Object> rows = new ArrayList<>();
        Metrics metrics = new Metrics();
        for (int i = 0; i < 300_000; i++) {
            rows.add(i % 2 == 0 ? new float[1] : new Row("r", i, new float[0]));
            metrics.addMetric("loss", i);
        }
        List<Variable> variables =
                List.of(new Variable("rows", "List", rows), new Variable("metrics", "Metrics", metrics));
        Leftovers.Mark mark = Leftovers.mark();
        manager.ones(new Shape(1 << 20));

        assertThat(Leftovers.since(mark, "step();", variables).bytes()).isEqualTo(4 * Bytes.MIB);
    }

    @Test
    void whereTooMuchIsReferredToItIsSaid() {
        List<Object> many = new ArrayList<>();
        for (int i = 0; i < 200_001; i++) {
            many.add(new Object[] {many});
        }
        Leftovers.Mark mark = Leftovers.mark();
        manager.ones(new Shape(1 << 20));

        Leftovers left = Leftovers.since(mark, "step();", List.of(new Variable("many", "List", many)));

        assertThat(left.bytes()).isZero();
        assertThat(left.untold()).hasValueSatisfying(why -> assertThat(why).contains("variable many", "200000"));
    }

    @Test
    void theLeftoversOfTwoStatementsGoTogether() {
        Leftovers.Mark mark = Leftovers.mark();
        NDArray one = manager.ones(new Shape(1 << 20));
        Leftovers first = Leftovers.since(mark, "one();", List.of());
        Leftovers.Mark next = Leftovers.mark();
        NDArray two = manager.ones(new Shape(1 << 20));
        Leftovers second = Leftovers.since(next, "two();", List.of());

        assertThat(second.bytes()).isEqualTo(4 * Bytes.MIB);
        Leftovers both = first.and(second);
        assertThat(both.bytes()).isEqualTo(8 * Bytes.MIB);
        both.release(List.of());
        assertThat(List.of(one, two)).allMatch(NDArray::isReleased);
        assertThat(first.bytes() + second.bytes()).isZero();
    }

    @Test
    void whileAThreadWorksNothingIsClosed() throws Exception {
        Leftovers.Mark mark = Leftovers.mark();
        NDArray lost = manager.ones(new Shape(1 << 20));
        Leftovers left = Leftovers.since(mark, "step();", List.of());
        assertThat(left.bytes()).isEqualTo(4 * Bytes.MIB);
        CountDownLatch working = new CountDownLatch(1);
        CountDownLatch done = new CountDownLatch(1);
        Thread loader = new Thread(() -> work(working, done), "loader");
        loader.start();
        try {
            working.await();

            assertThatThrownBy(() -> left.release(List.of()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Nothing was closed")
                    .hasMessageContaining("thread \"loader\" is in io.headroom.model.FailedStatementTest.");
            assertThat(lost.isReleased()).isFalse();
            Leftovers now = Leftovers.since(mark, "step();", List.of());
            assertThat(now.bytes()).isZero();
            assertThat(now.untold()).hasValueSatisfying(why -> assertThat(why).contains("thread \"loader\""));
        } finally {
            done.countDown();
            loader.join();
        }
        left.release(List.of());
        assertThat(lost.isReleased()).isTrue();
    }

    private static void work(CountDownLatch working, CountDownLatch done) {
        working.countDown();
        try {
            done.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void anIdlePoolIsNotAtWorkAndItsFuturesResultStays() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(1);
        try {
            Leftovers.Mark mark = Leftovers.mark();
            Future<NDArray> next = pool.submit(() -> manager.ones(new Shape(1 << 20)));
            NDArray result = next.get();
            NDArray lost = manager.ones(new Shape(1 << 20));
            List<Variable> variables =
                    List.of(new Variable("pool", "ExecutorService", pool), new Variable("next", "Future", next));
            idle(pool);

            Leftovers.since(mark, "step();", variables).release(variables);

            assertThat(lost.isReleased()).isTrue();
            assertThat(result.isReleased()).isFalse();
        } finally {
            pool.shutdownNow();
        }
    }

    private static void idle(ExecutorService pool) throws InterruptedException {
        while (((ThreadPoolExecutor) pool).getActiveCount() > 0) {
            Thread.sleep(1);
        }
    }

    @Test
    void aTaskThatWaitsForItsTimeMayUseAnything() {
        ScheduledExecutorService pool = Executors.newScheduledThreadPool(1);
        try {
            Leftovers.Mark mark = Leftovers.mark();
            NDArray captured = manager.ones(new Shape(1 << 20));
            pool.schedule(() -> captured.sum(), 1, TimeUnit.HOURS);
            Leftovers left = Leftovers.since(mark, "step();", List.of(new Variable("pool", "ExecutorService", pool)));
            assertThat(left.bytes()).isZero();
            assertThat(left.untold()).isPresent();
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void whatCannotBeLookedIntoIsNamedAndNothingIsClosed() {
        List<NDArray> list = new ArrayList<>();
        ThreadLocal<NDArray> local = new ThreadLocal<>();
        Map<String, Object> hiding = Map.of(
                "future",
                new CompletableFuture<>(),
                "task",
                new FutureTask<>(() -> 1),
                "iterator",
                list.iterator(),
                "stream",
                list.stream(),
                "local",
                local,
                "function",
                Function.<Object>identity().andThen(each -> each));
        AtomicReference<Leftovers> last = new AtomicReference<>();
        hiding.forEach((name, value) -> {
            Leftovers.Mark mark = Leftovers.mark();
            NDArray array = manager.ones(new Shape(4));
            for (Object each : List.of(value, List.of(value), new Object[] {Optional.of(value)})) {
                Leftovers left = Leftovers.since(mark, "step();", List.of(new Variable(name, "Object", each)));
                assertThat(left.untold())
                        .hasValueSatisfying(why -> assertThat(why).startsWith("variable " + name + " is or leads to "));
                assertThat(left.bytes()).isZero();
                last.set(left);
            }
            assertThat(array.isReleased()).isFalse();
            last.get().release(List.of(new Variable(name, "Object", null)));
            assertThat(array.isReleased()).as(name + " set to null").isTrue();
        });
    }

    @Test
    void functionsAndCursorsThatHoldNoWorkHinderNothing() {
        NDArray used = manager.ones(new Shape(4));
        ToDoubleFunction<Object> byUsed = each -> used.getFloat(0);
        Map<String, Object> held = Map.of(
                "identity",
                Function.identity(),
                "order",
                Comparator.comparing(String::length).thenComparing(Comparator.reverseOrder()),
                "byKey",
                Map.Entry.comparingByKey(),
                "words",
                new StringTokenizer("a b"),
                "last",
                Comparator.comparingDouble(byUsed));
        held.forEach((name, value) -> {
            Leftovers.Mark mark = Leftovers.mark();
            NDArray lost = manager.ones(new Shape(4));
            List<Variable> variables = List.of(new Variable(name, "Object", List.of(value)));

            Leftovers left = Leftovers.since(mark, "step();", variables);

            assertThat(left.untold()).as(name).isEmpty();
            left.release(variables);
            assertThat(lost.isReleased()).as(name).isTrue();
        });
        assertThat(Holders.find(List.of(new Variable("last", "Comparator", held.get("last")))))
                .singleElement()
                .matches(holder -> holder.bytes() == 16);
    }

    @Test
    void whatALambdaOfThePlatformsCapturedStaysAndItsWorkHinders() {
        Leftovers.Mark mark = Leftovers.mark();
        NDArray used = manager.ones(new Shape(4));
        NDArray lost = manager.ones(new Shape(4));
        Comparator<Object> order = Comparator.comparingDouble(each -> used.getFloat(0));
        CompletableFuture<Double> later = new CompletableFuture<>();
        Comparator<Object> waits = Comparator.comparingDouble(each -> later.join());

        assertThat(Leftovers.since(mark, "step();", List.of(new Variable("waits", "Comparator", waits)))
                        .untold())
                .hasValueSatisfying(why -> assertThat(why).contains("variable waits", "a Future that is not done"));
        List<Variable> variables = List.of(new Variable("order", "Comparator", order));
        Leftovers.since(mark, "step();", variables).release(variables);

        assertThat(used.isReleased()).isFalse();
        assertThat(lost.isReleased()).isTrue();
    }

    @Test
    void whatAJarsClassKeepsInAStaticFieldStays() {
        Leftovers.Mark mark = Leftovers.mark();
        Shelf.last = manager.ones(new Shape(1 << 20));
        NDArray lost = manager.ones(new Shape(1 << 20));
        try {
            for (Object each : List.of(new Shelf(), new Shelf.Place(), Shelf.reader())) {
                assertThat(Leftovers.since(mark, "step();", List.of(new Variable("shelf", "Object", each)))
                                .bytes())
                        .isEqualTo(4 * Bytes.MIB);
            }
            List<Variable> variables = List.of(new Variable("shelf", "Shelf", new Shelf()));
            Leftovers.since(mark, "step();", variables).release(variables);
            assertThat(Shelf.last.isReleased()).isFalse();
            assertThat(lost.isReleased()).isTrue();
        } finally {
            Shelf.last = null;
        }
    }
}
