package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOError;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class MemoryMonitorTest {
    @Test
    void anIntervalThatIsNotPositiveIsNamed() {
        assertThatThrownBy(() -> MemoryMonitor.everySteps(0)).hasMessageContaining("every 0 steps");
        assertThatThrownBy(() -> MemoryMonitor.everySteps(-3)).hasMessageContaining("every -3 steps");
        assertThatThrownBy(() -> MemoryMonitor.every(Duration.ZERO)).hasMessageContaining("PT0S");
        assertThatThrownBy(() -> MemoryMonitor.every(Duration.ofSeconds(-1))).hasMessageContaining("PT-1S");
        assertThatThrownBy(() -> MemoryMonitor.every(null)).hasMessageContaining("null");
        assertThatThrownBy(() -> MemoryMonitor.everySteps(1).cleanUpEvery(-1)).hasMessageContaining("-1 steps");
        assertThatThrownBy(() -> MemoryMonitor.everySteps(1).alarmBelow(-1)).hasMessageContaining("-1 bytes");
    }

    @Test
    void itPrintsTheLineOfATrainingLogAndCleansUp() {
        List<String> printed = new ArrayList<>();
        try (MemoryMonitor monitor =
                MemoryMonitor.everySteps(500).cleanUpEvery(1_000).printTo(printed::add)) {
            for (int step = 1; step <= 1_000; step++) {
                monitor.step(step);
            }
            assertThat(printed).hasSize(3);
            assertThat(printed.get(0)).matches("Step 500: CPU: [0-9]+[.][0-9]MB(, GPU: [0-9]+[.][0-9]MB)?");
            assertThat(printed.get(1)).startsWith("Step 1000: CPU: ");
            assertThat(printed.get(2)).isEqualTo("Memory cleanup completed");
            assertThat(monitor.lines()).isEqualTo(printed);
            assertThat(monitor.timeline().readings()).hasSize(2);
        }
    }

    @Test
    void theAlarmComesOnceBeforeAnythingFails() {
        List<Alarm> alarms = new ArrayList<>();
        List<String> printed = new ArrayList<>();
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(1)
                .alarmBelow(Long.MAX_VALUE)
                .onAlarm(alarms::add)
                .printTo(printed::add)) {
            monitor.step(1);
            monitor.step(2);
        }
        assertThat(alarms).hasSize(1);
        assertThat(printed).anyMatch(line -> line.startsWith("Memory is nearly used up: "));
    }

    @Test
    void anAlarmSeenInTheBackgroundIsPrintedOnceByTheNextStep() throws InterruptedException {
        List<String> printed = new ArrayList<>();
        CountDownLatch read = new CountDownLatch(3);
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(1_000)
                .alarmBelow(Long.MAX_VALUE)
                .onReading(reading -> read.countDown())
                .printTo(printed::add)) {
            monitor.start();
            while (monitor.alarm().isEmpty()) {
                Thread.sleep(5);
            }
            assertThat(printed).isEmpty();
            assertThat(monitor.lines()).singleElement().asString().startsWith("Memory is nearly used up: ");
            monitor.step(1);
            monitor.step(2);
            monitor.step(1_000);
            assertThat(printed).hasSize(2);
            assertThat(printed.get(0)).isEqualTo(monitor.alarm().orElseThrow().toString());
            assertThat(printed.get(1)).startsWith("Step 1000: ");
        }
    }

    @Test
    void anAlarmThatNoStepCouldPrintIsPrintedWhenTheTrainingEnds() throws Exception {
        List<String> printed = new ArrayList<>();
        try (MemoryMonitor monitor = MemoryMonitor.every(Duration.ofMillis(5))
                .alarmBelow(Long.MAX_VALUE)
                .printTo(printed::add)) {
            monitor.run("train", () -> {
                while (monitor.alarm().isEmpty()) {
                    Thread.sleep(5);
                }
                return null;
            });
        }
        assertThat(printed).hasSize(2);
        assertThat(printed.get(0)).startsWith("Memory is nearly used up: ");
        assertThat(printed.get(1)).startsWith("[train] ");
    }

    @Test
    void aMonitorOfSecondsReadsOnceAnIntervalHoweverManySteps() {
        List<String> printed = new ArrayList<>();
        try (MemoryMonitor monitor = MemoryMonitor.every(Duration.ofHours(1))
                .alarmBelow(Long.MAX_VALUE)
                .printTo(printed::add)) {
            for (int step = 1; step <= 100; step++) {
                monitor.step(step);
            }
            assertThat(monitor.timeline().added()).isEqualTo(1);
        }
        assertThat(printed).filteredOn(line -> line.startsWith("Step ")).singleElement();
        assertThat(printed).hasSize(2);
    }

    @Test
    void aMonitorSaysWhatItDoesAndWhetherItHasBegun() throws Exception {
        MemoryMonitor seconds = MemoryMonitor.every(Duration.ofMillis(1_500));
        try (MemoryMonitor steps = MemoryMonitor.everySteps(100)) {
            assertThat(steps.toString())
                    .startsWith("Memory monitor, every 100 steps: nothing read yet. Call step(n) in your loop");
            steps.step(100);
            assertThat(steps.toString())
                    .matches("Memory monitor, every 100 steps: 1 reading, highest .*; reads on at the next step[.]");
            assertThat(seconds.toString())
                    .startsWith("Memory monitor, every 1500 ms: not started. live(monitor) starts and shows it");
            assertThat(seconds.start().toString()).contains("reading in the background every 1500 ms");
            seconds.close();
            assertThat(seconds.toString()).contains("every 1500 ms: stopped; ");
        }
    }

    @Test
    void itReadsInTheBackgroundAndAManagerClosedMeanwhileIsNoProblem() throws InterruptedException {
        CountDownLatch read = new CountDownLatch(20);
        MemoryMonitor monitor = MemoryMonitor.every(Duration.ofMillis(1)).onReading(reading -> read.countDown());
        monitor.start().start();
        while (read.getCount() > 0) {
            try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
                for (int i = 0; i < 50; i++) {
                    manager.ones(new Shape(16));
                }
            }
        }
        assertThat(read.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(monitor.lines()).isEmpty();
        monitor.close();
        monitor.close();
        assertThat(monitor.isClosed()).isTrue();
        assertThatThrownBy(monitor::start).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void anErrorInTheBackgroundNeitherEndsItNorMakesItHurry() throws InterruptedException {
        CountDownLatch read = new CountDownLatch(4);
        long began = System.nanoTime();
        try (MemoryMonitor monitor = MemoryMonitor.every(Duration.ofMillis(50)).onReading(reading -> {
            read.countDown();
            throw new OutOfMemoryError("Java heap space");
        })) {
            monitor.start();
            assertThat(read.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThanOrEqualTo(Duration.ofMillis(140));
            assertThat(monitor.lines())
                    .singleElement()
                    .asString()
                    .contains("A reading failed")
                    .contains("Java heap space");
        }
    }

    @Test
    void tenThousandStepsStayBoundedAndKeepTheHighest() {
        AtomicLong highest = new AtomicLong();
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(1)
                .onReading(reading -> highest.accumulateAndGet(reading.rss().orElse(0), Math::max))) {
            for (int step = 1; step <= 10_000; step++) {
                monitor.step(step);
            }
            assertThat(monitor.timeline().added()).isEqualTo(10_000);
            assertThat(monitor.timeline().readings()).hasSizeLessThanOrEqualTo(2_000);
            assertThat(monitor.timeline().highest().orElseThrow().rss().orElse(0))
                    .isEqualTo(highest.get());
            assertThat(monitor.lines()).hasSize(1_000);
        }
    }

    @Test
    void aSubscriberThatThrowsIsDropped() {
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(1).onReading(reading -> {
            throw new IllegalStateException("gone");
        })) {
            monitor.step(1);
            monitor.step(2);
            assertThat(monitor.lines())
                    .filteredOn(line -> line.contains("dropped"))
                    .hasSize(1);
        }
    }

    @Test
    void theWrapperSumsUpAndPassesTheFailureThrough() {
        List<String> printed = new ArrayList<>();
        IllegalStateException thrown = new IllegalStateException("out of memory");
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(10).printTo(printed::add)) {
            assertThatThrownBy(() -> monitor.run("train", () -> {
                        throw thrown;
                    }))
                    .isSameAs(thrown);
        }
        assertThat(printed)
                .anyMatch(line -> line.contains("current_cpu_mb"))
                .contains("Memory cleanup completed")
                .anyMatch(line -> line.startsWith("[train] "));
    }

    @Test
    void aFailingPrinterOrCleanUpReplacesNeitherResultNorFailure() throws Exception {
        OutOfMemoryError thrown = new OutOfMemoryError("Java heap space");
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(10)
                .printTo(line -> {
                    throw new IllegalStateException("no output");
                })
                .cleanUpWith(() -> {
                    throw new IllegalStateException("no clean-up");
                })) {
            assertThatThrownBy(() -> monitor.run("train", () -> {
                        throw thrown;
                    }))
                    .isSameAs(thrown);
            assertThat(thrown.getSuppressed()).extracting(Throwable::getMessage).containsExactly("no clean-up");
            assertThat(monitor.lines())
                    .filteredOn(line -> line.contains("no output"))
                    .hasSize(1);
            assertThat(monitor.<Integer>run("train", () -> 3)).isEqualTo(3);
        }
    }

    @Test
    void aPrinterThatFailsEndsNoTrainingAndIsToldOnce() {
        List<String> printed = new ArrayList<>();
        AtomicBoolean broken = new AtomicBoolean(true);
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(1)
                .alarmBelow(Long.MAX_VALUE)
                .printTo(line -> {
                    if (broken.get()) {
                        throw new IOError(new IOException("Broken pipe"));
                    }
                    printed.add(line);
                })) {
            monitor.step(1);
            monitor.step(2);
            assertThat(monitor.lines())
                    .filteredOn(line -> line.contains("Broken pipe"))
                    .singleElement()
                    .asString()
                    .startsWith("The monitor's lines cannot be printed; lines() has them: ");
            assertThat(monitor.lines())
                    .filteredOn(line -> line.startsWith("Step "))
                    .hasSize(2);

            broken.set(false);
            monitor.step(3);
            assertThat(printed).singleElement().asString().startsWith("Step 3: ");
        }
    }

    @Test
    void anAlarmsActionMayStopTheLoop() {
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(1)
                .alarmBelow(Long.MAX_VALUE)
                .onAlarm(alarm -> {
                    throw new IllegalStateException("stop here");
                })) {
            assertThatThrownBy(() -> monitor.step(1)).hasMessage("stop here");
            monitor.step(2);
            assertThat(monitor.lines())
                    .filteredOn(line -> line.startsWith("Step "))
                    .hasSize(2);
        }
    }

    @Test
    void whatItIsGivenAsNullIsRefusedByName() {
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(1)) {
            assertThatThrownBy(() -> monitor.printTo(null)).hasMessageContaining("printTo(null)");
            assertThatThrownBy(() -> monitor.onAlarm(null)).hasMessageContaining("onAlarm(null)");
            assertThatThrownBy(() -> monitor.onReading(null)).hasMessageContaining("onReading(null)");
            assertThatThrownBy(() -> monitor.cleanUpWith(null)).hasMessageContaining("cleanUpWith(null)");
            assertThatThrownBy(() -> monitor.run("train", (Callable<String>) null))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("run(\"train\", null)");
            assertThatThrownBy(() -> monitor.run("train", (Body<Exception>) null))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThat(monitor.isReading()).isFalse();
            monitor.step(1);
            assertThat(monitor.lines()).singleElement().asString().startsWith("Step 1: ");
        }
    }

    @Test
    void theBackgroundThreadEndsWithTheTraining() throws Exception {
        try (MemoryMonitor monitor = MemoryMonitor.every(Duration.ofMillis(1))) {
            monitor.run("train", () -> null);
            assertThat(monitor.isReading()).isFalse();
            long before;
            int looks = 0;
            do { // the reading under way may still come
                before = monitor.timeline().added();
                Thread.sleep(100);
                assertThat(looks++).isLessThan(50);
            } while (monitor.timeline().added() > before);
        }
    }
}
