package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.render.Bundle;
import io.headroom.render.PeakView;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class WatchTest {
    private static final long SPIKE = 192 * Bytes.MIB;

    @BeforeAll
    static void engine() {
        spike(Bytes.MIB);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aSpikeThatIsGoneAgainIsThePeak() throws Exception {
        List<Peak> seen = new ArrayList<>();
        String result = Watch.run(
                "spike",
                () -> {
                    spike(SPIKE);
                    return "done";
                },
                seen::add);
        assertThat(result).isEqualTo("done");
        Peak peak = seen.get(0);
        assertThat(peak.exact()).isTrue();
        assertThat(peak.rose().getAsLong()).isBetween(SPIKE * 95 / 100, SPIKE + 16 * Bytes.MIB);
        assertThat(peak.kept().getAsLong()).isLessThan(16 * Bytes.MIB);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void theInnerOfTwoWatchesDoesNotHideTheOutersPeak() {
        Watch outer = Watch.start("outer");
        spike(SPIKE);
        Peak inner;
        try (Watch watch = Watch.start("inner")) {
            inner = watch.stop();
        }
        Peak whole = outer.stop();
        assertThat(whole.rose().getAsLong()).isGreaterThan(SPIKE * 95 / 100);
        assertThat(inner.rose().getAsLong()).isLessThan(16 * Bytes.MIB);
    }

    @Test
    void whatTheBodyThrowsPassesThroughAndThePeakIsReported() {
        List<Peak> seen = new ArrayList<>();
        IOException thrown = new IOException("disk");
        assertThatThrownBy(() -> Watch.run(
                        "fails",
                        () -> {
                            throw thrown;
                        },
                        seen::add))
                .isSameAs(thrown);
        assertThat(seen).hasSize(1);
    }

    @Test
    void stoppingTwiceGivesTheFirstResult() {
        Watch watch = Watch.start("twice");
        Peak first = watch.stop();
        watch.close();
        assertThat(watch.stop()).isSameAs(first);
    }

    @Test
    void withoutTheKernelsMarkThePeakIsSampledAndSaysSo() throws InterruptedException {
        PeakMeter meter = PeakMeter.start(false);
        assertThat(meter.exact()).isFalse();
        long before = Readings.resident().orElseThrow();
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            manager.ones(new Shape(SPIKE / Float.BYTES));
            Thread.sleep(50);
        }
        assertThat(meter.stop().orElseThrow()).isGreaterThan(before + SPIKE * 9 / 10);
        assertThat(Samples.peak(List.of()).toString()).contains("sampled");
    }

    @Test
    void operatorsAreNamedWithShapeAndBytes() {
        Watch watch = Watch.startWithOperators("matmul");
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            NDArray a = manager.ones(new Shape(512, 512));
            a.matMul(a);
        }
        List<OperatorMemory> operators = watch.stop().operators();
        assertThat(operators).anySatisfy(operator -> {
            assertThat(operator.name()).isEqualTo("aten::mm");
            assertThat(operator.shape()).contains("[512, 512]");
            assertThat(operator.bytes()).isEqualTo(Bytes.MIB);
        });
    }

    /** The file of 20 000 operators takes some MiB to be read, which is no part of the stretch. */
    @Test
    void whatIsHeldAtTheEndIsNeverAboveThePeak() {
        for (int i = 0; i < 3; i++) {
            Watch watch = Watch.startWithOperators("adds");
            try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
                NDArray array = manager.ones(new Shape(64));
                for (int step = 0; step < 20_000; step++) {
                    array.addi(1);
                }
            }
            Peak peak = watch.stop();
            assertThat(peak.highest().orElseThrow())
                    .isGreaterThanOrEqualTo(peak.after().rss().orElseThrow());
        }
    }

    /** The body keeps nothing; the engine's profiler keeps some 10 KiB an operator call. */
    @Test
    void theProfilersOwnRecordsAreNotSaidToBeTheCodes() {
        Watch watch = Watch.startWithOperators("adds");
        adds(5_000);
        Peak peak = watch.stop();

        assertThat(peak.kept().orElse(0)).isLessThan(16 * Bytes.MIB);
        assertThat(peak.rose().orElse(0)).isLessThan(16 * Bytes.MIB);
        assertThat(peak.toString())
                .doesNotContain("kept)")
                .contains("profiler's own records", "10 KiB an operator call", "watch(…)");
        assertThat(peak.operators()).isNotEmpty();
        assertThat(peak.untold()).isEmpty();
    }

    @Test
    void aProfileThatCannotBeReadLeavesThePeakAndTheNextProfile(@TempDir Path directory) throws IOException {
        Path gone = Files.createDirectory(directory.resolve("gone"));
        Watch watch = Watch.startWithOperators("gone", gone);
        try (Stream<Path> files = Files.list(gone)) {
            Files.delete(files.findFirst().orElseThrow());
        }
        Files.delete(gone);
        adds(1);
        Peak peak = watch.stop();

        assertThat(peak.highest()).isPresent();
        assertThat(peak.operators()).isEmpty();
        assertThat(peak.untold().orElseThrow()).contains(gone.toString());
        assertThat(peak.toString()).contains("peak ", "operators cannot be told");
        assertThat(PeakView.of(peak).data().get(Bundle.HTML).toString()).contains("operators cannot be told");
        operatorsAreNamedWithShapeAndBytes();
    }

    @Test
    void aDirectoryThatIsNotThereIsToldBeforeTheCodeRuns(@TempDir Path directory) {
        assertThatThrownBy(() -> Watch.startWithOperators("none", directory.resolve("none")))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("java.io.tmpdir = " + directory.resolve("none"));
        operatorsAreNamedWithShapeAndBytes();
    }

    @Test
    void onlyOneWatchRecordsOperators() {
        try (Watch watch = Watch.startWithOperators("first")) {
            assertThat(watch.highest()).isNotNull();
            assertThatThrownBy(() -> Watch.startWithOperators("second"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("another watch");
        }
        Watch.startWithOperators("third").close();
    }

    private static void adds(int many) {
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            NDArray array = manager.ones(new Shape(64));
            for (int i = 0; i < many; i++) {
                array.add(1).close();
            }
        }
    }

    private static void spike(long bytes) {
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            manager.ones(new Shape(bytes / Float.BYTES));
        }
    }
}
