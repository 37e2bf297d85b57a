package io.headroom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import ai.djl.translate.TranslateException;
import io.headroom.memory.MemoryMonitor;
import io.headroom.memory.Peak;
import io.headroom.memory.Watch;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;

/** What a cell may be given to run: with a value or without, with checked exceptions or without. */
class BodiesTest {
    private int ran;

    private void fails() throws IOException {
        ran++;
        throw new IOException("disk");
    }

    private void passes() throws IOException, TranslateException {
        ran++;
    }

    /** Compiles: DJL's own training, which returns nothing and throws two checked exceptions. */
    static void trainings(Trainer trainer, Dataset data, MemoryMonitor monitor) throws Exception {
        Headroom.watch(() -> EasyTrain.fit(trainer, 10, data, null));
        Headroom.watchOperators(() -> EasyTrain.fit(trainer, 10, data, null));
        monitor.run("train", () -> EasyTrain.fit(trainer, 10, data, null));
        Watch.run("train", () -> EasyTrain.fit(trainer, 10, data, null), System.out::println);
        Headroom.watch(() -> trainer.step());
        Headroom.watchOperators(trainer::step);
        Watch.run("step", () -> trainer.step(), System.out::println);
    }

    @Test
    void aBodyThatReturnsNothingIsWatched() throws Exception {
        Peak peak = Headroom.watch(() -> passes());
        assertThat(peak.stage()).isEmpty();
        Headroom.watch(() -> {
            passes();
        });
        Headroom.watchOperators(() -> passes());
        assertThat(ran).isEqualTo(3);
    }

    @Test
    void aBodyThatThrowsNothingCheckedNeedsNoCatch() {
        assertThat(Headroom.watch(() -> {
                            ran++;
                        })
                        .took())
                .isPositive();
        assertThat(ran).isEqualTo(1);
    }

    @Test
    void aBodyWithAValueIsWatchedOnceAndItsExceptionPasses() throws Exception {
        Headroom.watch(() -> ++ran);
        Headroom.watch(() -> {
            return ++ran;
        });
        assertThat(ran).isEqualTo(2);
        assertThatThrownBy(() -> Headroom.watch(() -> fails())).hasMessage("disk");
    }

    @Test
    void aMonitorAndAWatchRunBodiesThatReturnNothing() throws Exception {
        List<String> printed = new ArrayList<>();
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(10).printTo(printed::add)) {
            monitor.run("train", () -> passes());
            assertThat(monitor.<Integer>run("train", () -> ran)).isEqualTo(1);
            assertThatThrownBy(() -> monitor.run("train", () -> fails())).isInstanceOf(IOException.class);
        }
        assertThat(printed).anyMatch(line -> line.startsWith("[train] "));
        List<Peak> peaks = new ArrayList<>();
        Watch.run("step", () -> passes(), peaks::add);
        assertThatThrownBy(() -> Watch.run("step", () -> fails(), peaks::add)).hasMessage("disk");
        assertThat(peaks).hasSize(2);
    }

    @Test
    void theMonitorOfANotebookPrintsItsLinesAndAlarm() {
        String printed = printed(() -> {
            MemoryMonitor monitor = Headroom.monitor(2).alarmBelow(Long.MAX_VALUE);
            for (int step = 1; step <= 4; step++) {
                monitor.step(step);
            }
            monitor.close();
        });
        assertThat(printed.lines().filter(line -> line.startsWith("Step "))).hasSize(2);
        assertThat(printed).containsOnlyOnce("Memory is nearly used up");
    }

    @Test
    void aBodyThatIsNullIsRefusedBeforeAnythingIsWatched() {
        Callable<?> none = null;
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Headroom.watch(none))
                .withMessageStartingWith("watch(null): give the code");
        assertThatIllegalArgumentException().isThrownBy(() -> Headroom.watchOperators(none));
    }

    @Test
    void aLiveMonitorReadsAndIsShownAtOnce() {
        MemoryMonitor monitor = Headroom.monitor(Duration.ofMillis(5));
        assertThat(printed(() -> Headroom.live(monitor))).startsWith("process ").contains("head-room");
        assertThat(monitor.isReading()).isTrue();
        monitor.close();
        assertThat(printed(() -> Headroom.live(monitor))).contains(", stopped");
        assertThat(monitor.isReading()).isFalse();
    }

    private static String printed(Runnable action) {
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            action.run();
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
