package io.headroom.render;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.model.Models;
import io.headroom.model.SampleModels;
import io.headroom.model.Variable;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
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
}
