package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LeaksTest {
    @Test
    void aSubManagerLeftOpenEachStepIsNamedByTheManagerAboveItWithShapeAndSlope() {
        try (NDManager trainer = NDManager.newBaseManager("PyTorch");
                MemoryMonitor monitor = MemoryMonitor.everySteps(1)) {
            trainer.setName("trainer");
            trainer.ones(new Shape(1_000));
            for (int step = 0; step < 40; step++) {
                NDManager batch = trainer.newSubManager();
                batch.ones(new Shape(2, 8_192));
                monitor.step(step);
            }
            assertThat(monitor.leaks()).singleElement().satisfies(leak -> {
                assertThat(leak.where()).isEqualTo("unnamed managers below \"trainer\"");
                assertThat(leak.managers()).isEqualTo(39);
                assertThat(leak.trend().slope()).isEqualTo(65_536.0);
                assertThat(leak.shapes()).containsExactly(Map.entry("(2, 8192) float32", 39));
                assertThat(leak.toString())
                        .isEqualTo("unnamed managers below \"trainer\" grow by 64.00 KiB per step (99 %: 64.00 KiB to"
                                + " 64.00 KiB, 20 points): +39 managers, +39 × (2, 8192) float32");
            });
        }
    }

    @Test
    void aBatchClosedAfterEachStepIsNoLeak() {
        try (NDManager trainer = NDManager.newBaseManager("PyTorch");
                MemoryMonitor monitor = MemoryMonitor.everySteps(1)) {
            trainer.setName("trainer");
            for (int step = 0; step < 40; step++) {
                try (NDManager batch = trainer.newSubManager()) {
                    batch.ones(new Shape(2, 8_192));
                    monitor.step(step);
                }
            }
            assertThat(monitor.leaks()).noneMatch(leak -> leak.where().contains("manager"));
        }
    }

    @Test
    void managersOfOneNameAreFollowedTogetherHoweverMany() {
        try (NDManager trainer = NDManager.newBaseManager("PyTorch");
                MemoryMonitor monitor = MemoryMonitor.everySteps(10)) {
            trainer.setName("trainer");
            for (int step = 0; step < 400; step++) {
                NDManager batch = trainer.newSubManager();
                batch.setName("dataIter fetch");
                batch.ones(new Shape(64));
                monitor.step(step);
            }
            assertThat(monitor.leaks().get(0).toString())
                    .startsWith("managers \"dataIter fetch\" grow by 256 bytes per step")
                    .endsWith("+390 managers, +390 × (64) float32");
        }
    }

    @Test
    void whatTheSearchCostsIsBoundedHoweverManyManagersThereAre() {
        LeakFinder finder = new LeakFinder();
        for (int i = 0; i < 200; i++) {
            List<LiveArrays.Manager> managers = new ArrayList<>();
            for (int m = 0; m < 256; m++) {
                managers.add(new LiveArrays.Manager("m" + m, false, 1, 1, (m + 1L) * i * Bytes.MIB, Map.of()));
            }
            finder.add("step", i, Samples.reading(i, "", Bytes.GIB, new LiveArrays(managers)));
        }
        Leaks leaks = finder.leaks();
        assertThat(leaks).hasSize(16);
        assertThat(leaks.get(0).where()).isEqualTo("manager \"m255\"");
        int looked = finder.looked();
        assertThat(looked).isLessThanOrEqualTo(2 * (16 + 1));
        assertThat(finder.leaks()).isSameAs(leaks);
        assertThat(finder.looked()).isEqualTo(looked);
    }

    @Test
    void theShapeThatGrowsIsNamedThoughManyOthersAreLarger() {
        LeakFinder finder = new LeakFinder();
        for (int i = 0; i < 240; i++) {
            finder.add("step", i, Samples.reading(i, "", Bytes.GIB).with(Samples.shapes(1_500, i)));
        }
        assertThat(finder.leaks()).singleElement().satisfies(leak -> {
            assertThat(leak.where()).isEqualTo("manager \"cache\"");
            assertThat(leak.trend().slope()).isEqualTo(4.0);
            assertThat(leak.shapes().keySet()).containsExactly("(1) float32");
            assertThat(leak.shapes().get("(1) float32")).isBetween(79, 95);
        });
    }

    @Test
    void nothingIsSaidOfGrowthUntilTheNewerHalfCanTell() {
        LeakFinder finder = new LeakFinder();
        for (int i = 1; i < LeakFinder.LEAST; i++) {
            finder.add("step", i, Samples.reading(i, "", i * Bytes.GIB));
            assertThat(finder.leaks().toString()).startsWith("Too few readings to tell");
        }
        finder.add("step", LeakFinder.LEAST, Samples.reading(0, "", LeakFinder.LEAST * Bytes.GIB));
        assertThat(finder.leaks()).singleElement().matches(leak -> leak.where().equals(Leak.PROCESS));
    }

    @Test
    void withoutALeakItSaysWhetherThatIsKnown() {
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(1)) {
            monitor.step(1);
            assertThat(monitor.leaks()).isEmpty();
            assertThat(monitor.leaks().toString())
                    .isEqualTo("Too few readings to tell whether anything grows: 1 of 19.");
        }
        assertThat(Samples.leaks(40).toString()).isEqualTo("Nothing grows over the last 40 readings.");
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
            assertThat(leak.where()).isEqualTo("manager \"feature cache\"");
            assertThat(leak.trend().slope()).isEqualTo(65_536.0);
            assertThat(leak.shapes()).containsEntry("(256, 64) float32", 39);
            assertThat(leak.toString())
                    .startsWith("manager \"feature cache\" grows by 64.00 KiB per step")
                    .contains("20 points")
                    .contains("+39 × (256, 64) float32");
        }
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
            assertThat(monitor.leaks()).noneMatch(leak -> leak.where().contains("warm-up"));
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
            LiveArrays.Manager cache = new LiveArrays.Manager("cache", false, 1, i, i * 32 * Bytes.MIB, Map.of());
            long resident = Bytes.GIB + i * (32 * Bytes.MIB + 32 * Bytes.KIB);
            finder.add("step", i, Samples.reading(i, "", resident).with(new LiveArrays(List.of(cache))));
        }
        assertThat(finder.leaks()).singleElement().matches(leak -> leak.where().equals("manager \"cache\""));
    }

    @Test
    void aProcessThatWandersIsSaidToGrowInFewOfManyWalks() {
        assertThat(told(0.0, true)).as("random walks").isLessThanOrEqualTo(6);
        assertThat(told(0.0, false)).as("white noise").isLessThanOrEqualTo(2);
    }

    @Test
    void aProcessThatGrowsIsFoundInNoise() {
        assertThat(told(0.3, false)).as("a third of the noise per reading").isGreaterThanOrEqualTo(190);
    }

    /** In how many of 200 series of 96 readings; noise of 16 MiB, a climb in parts of it. */
    private static int told(double climb, boolean walk) {
        Random random = new Random(7);
        int told = 0;
        for (int series = 0; series < 200; series++) {
            LeakFinder finder = new LeakFinder();
            double at = 0;
            for (int i = 0; i < 96; i++) {
                double noise = random.nextGaussian();
                at = walk ? at + noise : noise;
                long resident = 8 * Bytes.GIB + Math.round((at + climb * i) * 16 * Bytes.MIB);
                finder.add("step", i, Samples.reading(i, "", resident));
            }
            told += finder.leaks().isEmpty() ? 0 : 1;
        }
        return told;
    }

    @Test
    void aHealthyTrainingsProcessIsNotSaidToGrow() {
        LeakFinder finder = new LeakFinder();
        long limit = 16 * Bytes.GIB;
        for (int i = 0; i < 96; i++) { // pages of the heap touched, now and then
            long left = 15 * Bytes.GIB - 820L * i / 4096 * 4096;
            finder.add("step", 10L * i, Samples.left(i, limit, left));
        }
        assertThat(finder.leaks()).isEmpty();
    }

    @Test
    void theHeapsPagesTouchedOneAfterAnotherAreNoLeak() {
        LeakFinder finder = new LeakFinder();
        for (int i = 0; i < 96; i++) {
            long heap = i % 60 * Bytes.MIB; // collected once; its pages stay
            finder.add("step", i, Samples.heap(i, Bytes.GIB + Math.min(i, 59) * Bytes.MIB, heap));
            assertThat(finder.leaks()).isEmpty();
        }
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
