package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.engine.Engine;
import io.headroom.memory.Limit;
import io.headroom.memory.Reading;
import io.headroom.memory.Samples;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What cannot fit is refused from the file's header, with the figures, before anything of it is read. */
class LoadRefusalTest {
    private static final int LARGEST = Integer.MAX_VALUE;

    @TempDir
    Path directory;

    @BeforeAll
    static void engine() {
        Engine.getEngine("PyTorch");
    }

    @Test
    void weightsBeyondTheHeadroomAreRefusedWithBothFigures() throws IOException {
        Reading before = Reading.now();
        long headroom = before.headroom().orElseThrow();
        int arrays = Math.toIntExact(headroom / LARGEST + 2);
        Path giant = params("giant.params", arrays, LARGEST);
        assertThat(Weights.of(giant).bytes()).isEqualTo((long) arrays * LARGEST);
        assertThatThrownBy(() -> Models.load("giant", SampleModels.perceptron(Bytes.MIB), giant))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("\"giant\" was not loaded")
                .hasMessageContaining("its weights take " + Bytes.format((long) arrays * LARGEST))
                .hasMessageMatching(".*only [0-9.]+ [KMGT]iB may still be used.*")
                .hasMessageContaining(before.limit().map(Limit::label).orElseThrow());
        assertNothingHappened(before);
    }

    @Test
    void aBlockBeyondTheDirectBuffersIsRefusedWithBothFigures() throws IOException {
        Reading before = Reading.now();
        long most = DirectBuffers.most().orElseThrow();
        int size = Math.toIntExact(most / 2 + Bytes.MIB);
        Path wide = params("wide.params", 2, size);
        assertThatThrownBy(() -> Models.load("wide", SampleModels.perceptron(Bytes.MIB), wide))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("\"wide\" was not loaded")
                .hasMessageContaining("its weights take " + Bytes.format(2L * size))
                .hasMessageMatching(".*the JVM allows only [0-9.]+ [KMG]iB more.*")
                .hasMessageContaining("-XX:MaxDirectMemorySize")
                .hasMessageContaining("TorchScript");
        assertNothingHappened(before);
    }

    @Test
    void onAGpuItsFreeMemoryCountsNotTheMachines() {
        Reading now = Samples.reading(0, "", Bytes.GIB, Samples.card(0, Bytes.GIB, 22 * Bytes.GIB));
        OptionalLong weights = OptionalLong.of(3 * Bytes.GIB);
        assertThatThrownBy(() -> LoadRefusal.check("giant", weights, Device.gpu(), now))
                .isInstanceOf(ModelException.class)
                .hasMessage(
                        "The model \"giant\" was not loaded: its weights take 3.00 GiB, but the device has only 2.00 GiB"
                                + " free of 24.00 GiB (GPU 0 Test Card). Release what is loaded, releaseAll(), or load it on the"
                                + " CPU, Device.cpu().");
        LoadRefusal.check("small", OptionalLong.of(2 * Bytes.GIB), Device.gpu(), now);
        LoadRefusal.check("onTheHost", weights, Device.cpu(), now);
    }

    @Test
    void ofSeveralGpusOneWithRoomIsEnoughSinceCudaMayNumberThemOtherwise() {
        Reading now = Samples.reading(0, "", 1, Samples.card(0, 0, 23 * Bytes.GIB), Samples.card(1, 0, 20 * Bytes.GIB));
        LoadRefusal.check("fits", OptionalLong.of(4 * Bytes.GIB), Device.gpu(0), now);
        assertThatThrownBy(() -> LoadRefusal.check("giant", OptionalLong.of(5 * Bytes.GIB), Device.gpu(0), now))
                .hasMessageContaining("no device has that much free; most has 4.00 GiB, GPU 1 Test Card of 24.00 GiB.");
    }

    @Test
    void aGpuThatTellsNothingRefusesNothing() {
        LoadRefusal.check("any", OptionalLong.of(Long.MAX_VALUE), Device.gpu(), Samples.reading(0, "", 1));
    }

    @Test
    void aDeviceThatIsNotThereIsNamed() throws IOException {
        int gpus = Engine.getEngine("PyTorch").getGpuCount();
        Path file = SampleModels.torchScript(directory, "age", Bytes.MIB);
        assertThatThrownBy(() -> Models.load("age", file, Device.gpu(gpus)))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("\"age\" was not loaded: there is no gpu(" + gpus + ")");
        assertThatThrownBy(() -> Models.load("age", file, (Device) null)).hasMessageContaining("device = null");
        assertThat(Models.loaded()).isEmpty();
    }

    private static void assertNothingHappened(Reading before) {
        assertThat(Models.loaded()).isEmpty();
        assertThat(Reading.now().rss().orElseThrow() - before.rss().orElseThrow())
                .isLessThan(64 * Bytes.MIB);
    }

    /** A parameter file whose headers are written and whose weights are a hole. */
    private Path params(String name, int arrays, int size) throws IOException {
        Path file = directory.resolve(name);
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.writeBytes("DJL@");
            for (int i = 0; i < arrays; i++) {
                out.writeUTF("NDAR");
                out.writeInt(3);
                out.writeByte(0);
                out.writeUTF("DENSE");
                out.writeUTF("FLOAT32");
                out.writeInt(1);
                out.writeLong(size / Float.BYTES);
                out.writeInt(0);
                out.writeByte('>');
                out.writeInt(size);
                out.setLength(out.getFilePointer() + size);
                out.seek(out.length());
            }
        }
        return file;
    }
}
