package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoopTranslator;
import io.headroom.memory.Reading;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoadedModelTest {
    private static final long SIZE = 512 * Bytes.KIB;

    @TempDir
    static Path models;

    @BeforeAll
    static void write() throws IOException {
        SampleModels.write(models, SIZE);
    }

    @AfterEach
    void release() {
        Models.loaded().forEach(LoadedModel::close);
    }

    @Test
    void aTorchScriptFileLoadsPredictsAndGoes() {
        LoadedModel age = Models.load("age", models.resolve("age.pt"));
        assertThat(age.weights().getAsLong()).isBetween(SIZE * 99 / 100, SIZE * 101 / 100);
        NDList years = age.predict(new NDList(age.manager().ones(new Shape(3, SampleModels.FEATURES))));
        assertThat(years.singletonOrThrow().getShape()).isEqualTo(new Shape(3, 1));
        assertThat(years.singletonOrThrow().toFloatArray()[0]).isNotZero().isFinite();
        ReleaseReport report = age.release();
        assertThat(age.isReleased()).isTrue();
        assertThat(report.toString()).startsWith("age released: ");
        assertThat(Models.loaded()).isEmpty();
    }

    @Test
    void aBlockLoadsItsParametersAndPredicts() {
        try (LoadedModel cancer = cancer()) {
            NDList risk = cancer.predict(new NDList(cancer.manager().ones(new Shape(2, SampleModels.FEATURES))));
            assertThat(risk.singletonOrThrow().getShape()).isEqualTo(new Shape(2, 1));
            assertThat(risk.singletonOrThrow().toFloatArray()[0]).isNotZero().isFinite();
        }
        assertThat(Models.loaded()).isEmpty();
    }

    @Test
    void predictionsGoWithTheModelUnlessDetached() {
        try (NDManager mine = NDManager.newBaseManager("PyTorch")) {
            LoadedModel age = Models.load("age", models.resolve("age.pt"));
            NDList lost = age.predict(new NDList(age.manager().ones(new Shape(1, 64))));
            NDList kept = age.predict(new NDList(age.manager().ones(new Shape(1, 64))));
            kept.attach(mine);
            age.release();
            assertThat(kept.singletonOrThrow().toFloatArray()).hasSize(1);
            assertThatThrownBy(() -> lost.singletonOrThrow().toFloatArray()).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void releasingTwiceIsAnErrorAndClosingTwiceIsNot() {
        LoadedModel age = Models.load("age", models.resolve("age.pt"));
        age.release();
        assertThatThrownBy(age::release)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("\"age\" was released at");
        assertThatThrownBy(() -> age.predict(new NDList())).isInstanceOf(IllegalStateException.class);
        age.close();
        age.close();
    }

    @Test
    void aMissingFileIsNamed() {
        assertThatThrownBy(() -> Models.load("age", models.resolve("nothing.pt")))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("nothing.pt")
                .hasMessageContaining("There is no model file");
    }

    @Test
    void truncatedFilesAreRefusedAndWhatWasLoadedStays() throws IOException {
        LoadedModel age = Models.load("age", models.resolve("age.pt"));
        for (String name : new String[] {"age.pt", "cancer-0000.params"}) {
            byte[] whole = Files.readAllBytes(models.resolve(name));
            Path half = models.resolve("half-" + name);
            Files.write(half, Arrays.copyOf(whole, whole.length / 2));
            assertThatThrownBy(() -> {
                        if (name.endsWith(".pt")) {
                            Models.load("half", half);
                        } else {
                            Models.load("half", SampleModels.perceptron(SIZE / 2), half);
                        }
                    })
                    .isInstanceOf(ModelException.class)
                    .hasMessageContaining("half-" + name)
                    .hasMessageContaining("incomplete or damaged");
            Files.delete(half);
        }
        assertThat(Models.loaded()).containsExactly(age);
        assertThat(age.predict(new NDList(age.manager().ones(new Shape(1, 64)))))
                .hasSize(1);
    }

    @Test
    void anotherInputShapeIsNamedAndTheModelStays() {
        LoadedModel age = Models.load("age", models.resolve("age.pt"));
        LoadedModel cancer = cancer();
        for (LoadedModel model : new LoadedModel[] {age, cancer}) {
            assertThatThrownBy(() -> model.predict(new NDList(model.manager().ones(new Shape(2, 5)))))
                    .isInstanceOf(ModelException.class)
                    .hasMessageContaining("\"" + model.name() + "\" cannot run on input (2, 5) float32")
                    .hasMessageContaining("still loaded");
            assertThat(model.predict(new NDList(model.manager().ones(new Shape(2, 64)))))
                    .hasSize(1);
        }
    }

    @Test
    void parametersOfAnotherBlockAreRefused() {
        assertThatThrownBy(() -> Models.load(
                        "cancer",
                        new ai.djl.nn.SequentialBlock()
                                .add(ai.djl.nn.norm.LayerNorm.builder().build()),
                        models.resolve("cancer-0000.params")))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("could not be loaded");
        assertThat(Models.loaded()).isEmpty();
    }

    @Test
    void aFileThatIsNoModelIsNamed() throws IOException {
        Path text = Files.writeString(models.resolve("notes.pt"), "not a model at all");
        assertThatThrownBy(() -> Models.load("notes", text))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("notes.pt")
                .hasMessageContaining("is no model");
        Files.delete(text);
    }

    @Test
    void aSampleTooLargeForTheHeapIsRefusedBeforeItEndsTheJvm() {
        assertThatThrownBy(() -> SampleModels.write(
                        models.resolve("large"), 2 * Runtime.getRuntime().maxMemory()))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("Start Java with -Xmx");
    }

    @Test
    void parametersWithoutABlockSayWhatToGive() {
        assertThatThrownBy(() -> Models.load("cancer", models.resolve("cancer-0000.params")))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("Give the block too");
    }

    @Test
    void aPartThatCannotBeClosedLeavesNothingElseOpen() {
        Model real = Model.newInstance("stubborn", "PyTorch");
        LoadedModel stubborn = stubborn(real);
        NDManager data = stubborn.manager();
        stubborn.newPredictor(new NoopTranslator());
        assertThatThrownBy(stubborn::release)
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("\"stubborn\" is released, but a part of it could not be closed: no close.");
        assertThat(stubborn.isReleased()).isTrue();
        assertThat(data.isOpen()).isFalse();
        assertThat(real.getNDManager().isOpen()).isFalse();
        stubborn.close();
    }

    /** A model whose predictors cannot be closed. */
    static LoadedModel stubborn(Model real) {
        Model model = (Model) Proxy.newProxyInstance(
                Model.class.getClassLoader(),
                new Class<?>[] {Model.class},
                (proxy, method, arguments) -> method.getName().equals("newPredictor")
                        ? new Predictor<>(real, new NoopTranslator(), Device.cpu(), false) {
                            @Override
                            public void close() {
                                throw new IllegalStateException("no close");
                            }
                        }
                        : method.invoke(real, arguments));
        return new LoadedModel("stubborn", model, OptionalLong.empty(), Reading.now(), Reading.now());
    }

    private static LoadedModel cancer() {
        return Models.load("cancer", SampleModels.perceptron(SIZE / 2), models.resolve("cancer-0000.params"));
    }
}
