package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReleasesTest {
    private static final long SIZE = 32 * Bytes.MIB;

    @TempDir
    static Path models;

    private final NDManager mine = NDManager.newBaseManager("PyTorch");

    @BeforeAll
    static void write() throws IOException {
        SampleModels.write(models, SIZE);
    }

    @AfterEach
    void release() {
        mine.close();
        Models.loaded().forEach(LoadedModel::close);
    }

    @Test
    void everyModelsBytesComeBackAndWhoHoldsTheRestIsNamedOnce() {
        LoadedModel age = Models.load("age", models.resolve("age.pt"));
        LoadedModel cancer = cancer();
        NDArray samples = mine.ones(new Shape(Bytes.MIB));
        Releases releases = Models.releaseAll(List.of(
                new Variable("age", "LoadedModel", age),
                new Variable("cancer", "LoadedModel", cancer),
                new Variable("samples", "NDArray", samples)));
        assertThat(releases).extracting(ReleaseReport::name).containsExactly("age", "cancer");
        assertThat(releases).allMatch(report -> report.returned().orElseThrow() > 0);
        assertThat(releases.held()).containsExactly(new Holder("samples", "NDArray", 1, 4 * Bytes.MIB, false));
        assertThat(releases.returned().orElseThrow()).isGreaterThan(SIZE / 2);
        assertThat(releases.toString().lines())
                .satisfiesExactly(
                        line -> assertThat(line).startsWith("age released: "),
                        line -> assertThat(line).startsWith("cancer released: "),
                        line -> assertThat(line).matches("all 2 released: .* came back.*"),
                        line -> assertThat(line).isEqualTo("  variable samples (NDArray) holds 1 array, 4.00 MiB"));
        assertThat(Models.releaseAll()).isEmpty();
        assertThat(Models.releaseAll().toString()).isEqualTo("No model is loaded.");
    }

    @Test
    void anotherLoadedModelHoldsNothingOfTheReleasedOne() {
        LoadedModel age = Models.load("age", models.resolve("age.pt"));
        LoadedModel cancer = cancer();
        NDList risk = cancer.predict(new NDList(cancer.manager().ones(new Shape(2, SampleModels.FEATURES))));
        ReleaseReport report = age.release(
                List.of(new Variable("cancer", "LoadedModel", cancer), new Variable("risk", "NDList", risk)));
        assertThat(report.held()).isEmpty();
    }

    @Test
    void leftoversNameTheModelsThatAreStillLoaded() {
        LoadedModel age = Models.load("age", models.resolve("age.pt"));
        LoadedModel cancer = cancer();
        ReleaseReport report = ReleaseReport.leftovers(
                List.of(new Variable("age", "LoadedModel", age), new Variable("cancer", "LoadedModel", cancer)));
        assertThat(report.held()).extracting(Holder::name).containsExactly("age", "cancer");
        assertThat(report.held().get(0).toString())
                .isEqualTo("variable age (LoadedModel) holds a loaded model, "
                        + Bytes.format(age.weights().orElseThrow()));
        assertThat(age.isReleased()).isFalse();
    }

    private static LoadedModel cancer() {
        return Models.load("cancer", SampleModels.perceptron(SIZE / 2), models.resolve("cancer-0000.params"));
    }
}
