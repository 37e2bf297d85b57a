package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.units.Bytes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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
    void aLeakIsNamedWithManagerShapeAndSlope() {
        try (NDManager base = NDManager.newBaseManager("PyTorch");
                NDManager cache = base.newSubManager();
                MemoryMonitor monitor = MemoryMonitor.everySteps(1)) {
            cache.setName("feature cache");
            base.ones(new Shape(1_000));
            for (int step = 0; step < 40; step++) {
                cache.ones(new Shape(256, 64));
                try (NDManager batch = base.newSubManager()) {
                    batch.ones(new Shape(64, 64));
                    monitor.step(step);
                }
            }
            Leak leak = monitor.leaks().get(0);
            assertThat(leak.where()).isEqualTo("feature cache");
            assertThat(leak.trend().slope()).isEqualTo(65_536.0);
            assertThat(leak.shapes()).containsEntry("(256, 64) float32", 39);
            assertThat(leak.toString())
                    .startsWith("manager \"feature cache\" grows by 64.00 KiB per step")
                    .contains("20 points")
                    .contains("+39 × (256, 64) float32");
        }
    }

    @Test
    void managersOfOneNameAreFollowedTogether() {
        LeakFinder finder = new LeakFinder();
        LiveArrays.Manager steady = new LiveArrays.Manager("cache", 1, 1_000, Map.of("(250) float32", 1));
        for (int i = 0; i < 40; i++) {
            LiveArrays.Manager grows =
                    new LiveArrays.Manager("cache", i + 1, 10_000L * (i + 1), Map.of("(2500) float32", i + 1));
            finder.add("step", i, Samples.reading(i, "", Bytes.GIB).with(new LiveArrays(List.of(grows, steady))));
        }
        assertThat(finder.leaks()).singleElement().satisfies(leak -> {
            assertThat(leak.trend().slope()).isEqualTo(10_000);
            assertThat(leak.shapes()).containsOnlyKeys("(2500) float32");
        });
    }

    @Test
    void aWarmUpThatLevelsOffIsNoLeak() {
        try (NDManager base = NDManager.newBaseManager("PyTorch");
                MemoryMonitor monitor = MemoryMonitor.everySteps(1)) {
            base.setName("warm-up");
            for (int step = 0; step < 60; step++) {
                if (step < 20) {
                    base.ones(new Shape(64));
                }
                monitor.step(step);
            }
            assertThat(monitor.leaks()).noneMatch(leak -> leak.where().equals("warm-up"));
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
            assertThat(thrown.getSuppressed())
                    .extracting(Throwable::getMessage)
                    .containsExactly("no output", "no clean-up", "no output");
            assertThat(monitor.<Integer>run("train", () -> 3)).isEqualTo(3);
        }
    }

    @Test
    void theBackgroundThreadEndsWithTheTraining() throws Exception {
        try (MemoryMonitor monitor = MemoryMonitor.every(Duration.ofMillis(1))) {
            monitor.run("train", () -> null);
            Thread.sleep(50); // for the reading under way
            long readings = monitor.timeline().added();
            Thread.sleep(100);
            assertThat(monitor.timeline().added()).isEqualTo(readings);
        }
    }

    @Test
    void aSecondTrainingIsNotMixedWithTheFirst() {
        LeakFinder finder = new LeakFinder();
        for (int i = 0; i < 40; i++) {
            finder.add("step", i, Samples.reading(i, "", Bytes.GIB + i * Bytes.MIB));
        }
        assertThat(finder.leaks()).hasSize(1);
        finder.add("step", 0, Samples.reading(41, "", Bytes.GIB));
        assertThat(finder.leaks()).isEmpty();
    }

    @Test
    void theProcessIsNotNamedForTheRoundingOfAManagersArrays() {
        LeakFinder finder = new LeakFinder();
        for (int i = 0; i < 40; i++) {
            LiveArrays.Manager cache = new LiveArrays.Manager("cache", i, i * 32 * Bytes.MIB, Map.of());
            long resident = Bytes.GIB + i * (32 * Bytes.MIB + 32 * Bytes.KIB);
            finder.add("step", i, Samples.reading(i, "", resident).with(new LiveArrays(List.of(cache))));
        }
        assertThat(finder.leaks()).singleElement().matches(leak -> leak.where().equals("cache"));
    }

    @Test
    void aSecondsMonitorCountsSecondsAndAStepMonitorSteps() {
        LeakFinder finder = new LeakFinder();
        for (int i = 0; i < 40; i++) {
            finder.add("second", i, Samples.reading(i, "", Bytes.GIB + i * Bytes.MIB));
        }
        assertThat(finder.leaks()).singleElement().satisfies(leak -> {
            assertThat(leak.where()).isEqualTo(Leak.PROCESS);
            assertThat(leak.toString()).startsWith("the process grows by 1024.00 KiB per second");
        });
        finder.add("step", 0, Samples.reading(41, "", Bytes.GIB));
        assertThat(finder.leaks()).isEmpty();
    }
}
