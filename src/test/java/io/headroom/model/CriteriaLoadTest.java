package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.Criteria;
import ai.djl.translate.NoopTranslator;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CriteriaLoadTest {
    @TempDir
    static Path models;

    private static Path file;

    @BeforeAll
    static void write() throws IOException {
        file = SampleModels.torchScript(models.resolve("age"), "age", Bytes.MIB);
    }

    @Test
    void theFileOfACriteriaTellsItsWeightsBefore() {
        try (LoadedModel age = Models.load("age", criteria(file))) {
            assertThat(age.weights()).hasValue(Weights.of(file).bytes());
            assertThat(age.predict(new NDList(age.manager().ones(new Shape(2, SampleModels.FEATURES)))))
                    .hasSize(1);
        }
        assertThat(CriteriaFile.weights(criteria(file.getParent()))).contains(Weights.of(file));
    }

    @Test
    void aBlocksParametersAreKnownToo() throws IOException {
        Path directory = Files.createDirectory(models.resolve("block"));
        Path written = directory.resolve("cancer-0000.params");
        SampleModels.write(models.resolve("samples"), Bytes.MIB);
        Files.copy(models.resolve("samples").resolve("cancer-0000.params"), written);
        assertThat(CriteriaFile.weights(criteria(directory)))
                .contains(Weights.of(written))
                .get()
                .extracting(Weights::format)
                .isEqualTo(Weights.Format.DJL_PARAMS);
    }

    @Test
    void whichOfTwoModelsItIsIsNotGuessed() throws IOException {
        Path directory = Files.createDirectory(models.resolve("two"));
        Files.copy(file, directory.resolve("a.pt"));
        Files.copy(file, directory.resolve("b.pt"));
        assertThat(CriteriaFile.weights(criteria(directory))).isEmpty();
    }

    @Test
    void aCriteriaThatSearchesEverywhereTellsNothing() {
        Criteria<NDList, NDList> everywhere = Criteria.builder()
                .setTypes(NDList.class, NDList.class)
                .optArtifactId("none")
                .build();
        assertThat(CriteriaFile.weights(everywhere)).isEmpty();
        assertThatThrownBy(() -> Models.load("age", (Criteria<?, ?>) null)).hasMessageContaining("null was given");
    }

    private static Criteria<NDList, NDList> criteria(Path path) {
        return Criteria.builder()
                .setTypes(NDList.class, NDList.class)
                .optModelPath(path)
                .optEngine("PyTorch")
                .optDevice(Device.cpu())
                .optTranslator(new NoopTranslator())
                .build();
    }
}
