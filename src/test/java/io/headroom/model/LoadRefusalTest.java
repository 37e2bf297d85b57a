package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.engine.Engine;
import io.headroom.memory.Limit;
import io.headroom.memory.Reading;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
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
