package io.headroom.render;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.memory.Samples;
import io.headroom.model.Holder;
import io.headroom.model.Models;
import io.headroom.model.ReleaseReport;
import io.headroom.model.SampleModels;
import io.headroom.model.Variable;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelViewTest {
    @Test
    void releasingAllShowsEachModelTheSumAndTheHolders(@TempDir Path models) throws IOException {
        Path file = SampleModels.torchScript(models, "age", 8 * Bytes.MIB);
        Models.load("<age>", file);
        Models.load("clock", file);
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            Bundle bundle = ModelView.of(
                    Models.releaseAll(List.of(new Variable("years", "NDArray", manager.ones(new Shape(Bytes.MIB))))));
            assertThat(bundle.plain()).contains("<age> released: ").contains("all 2 released: ");
            assertThat((String) bundle.data().get(Bundle.HTML))
                    .contains("&lt;age&gt;")
                    .contains("clock")
                    .contains("all 2")
                    .contains("Still held by")
                    .contains("NDArray, 1 array: years.close() gives it back")
                    .doesNotContain("<age>");
        }
    }

    @Test
    void releasingAllOfNoneSaysSo() {
        assertThat(ModelView.of(Models.releaseAll()).data()).containsOnlyKeys(Bundle.TEXT);
    }

    @Test
    void whoHoldsIsToldWithWhatGivesItBack() {
        ReleaseReport report = new ReleaseReport(
                "age",
                OptionalLong.empty(),
                Samples.reading(0, "", Bytes.GIB),
                Samples.reading(1, "", Bytes.GIB),
                List.of(
                        new Holder("trainer", "Trainer", 8, 3 * Bytes.MIB, false),
                        new Holder("model", "Model", 4, 2 * Bytes.MIB, false),
                        new Holder("seen", "List<NDArray>", 9000, Bytes.MIB, true)));
        assertThat((String) ModelView.of(report).data().get(Bundle.HTML))
                .contains("Trainer, 8 arrays: close it and its model; what its optimizer keeps")
                .contains("Model, 4 arrays: model.close() gives it back")
                .contains("List&lt;NDArray&gt;, at least 9000 arrays: close the arrays in it");
    }

    @Test
    void aReleaseShowsTheDeviceBeforeAndAfter() {
        ReleaseReport report = new ReleaseReport(
                "age",
                OptionalLong.empty(),
                Samples.reading(0, "", Bytes.GIB, Samples.card(0, 2 * Bytes.GIB, 5 * Bytes.GIB)),
                Samples.reading(1, "", Bytes.GIB, Samples.card(0, 512 * Bytes.MIB, 3 * Bytes.GIB)),
                List.of());
        assertThat((String) ModelView.of(report).data().get(Bundle.HTML))
                .contains("GPU 0 Test Card before")
                .contains("2.00 GiB")
                .contains("this process, -1.50 GiB");
    }
}
