package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
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

    private static NDList predict(LoadedModel model) {
        return model.predict(new NDList(model.manager().ones(new Shape(2, SampleModels.FEATURES))));
    }
}
