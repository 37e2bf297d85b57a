package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoopTranslator;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
    void anEmptyPipelineSaysWhatToAdd() {
        assertThatThrownBy(() -> new Pipeline().run()).hasMessageContaining("then(");
    }

    private static Pipeline threeModels() {
        return new Pipeline()
                .then("age", () -> Models.load("age", models.resolve("age.pt")), PipelineTest::predict)
                .then("broken", () -> Models.load("broken", models.resolve("missing.pt")), PipelineTest::predict)
                .then(
                        "cancer",
                        () -> Models.load(
                                "cancer",
                                SampleModels.perceptron(128 * Bytes.KIB),
                                models.resolve("cancer-0000.params")),
                        PipelineTest::predict);
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

    private static float[] values(PipelineReport report, String name) {
        return ((NDList) report.result(name).orElseThrow()).singletonOrThrow().toFloatArray();
    }

    private static NDList predict(LoadedModel model) {
        return model.predict(new NDList(model.manager().ones(new Shape(2, SampleModels.FEATURES))));
    }
}
