package io.headroom.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.memory.JvmMemory;
import io.headroom.memory.Reading;
import io.headroom.oom.Log;
import io.headroom.oom.OutOfMemory;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Settings are ones that the program that printed the message has, in sizes that follow from it. */
class ValidSettingsTest {
    private static final String FIGURES =
            " (GPU 1; 15.78 GiB total capacity; 6.20 GiB already allocated; 12.10 MiB free; ";

    @Test
    void noReleaseIsGivenASettingItDoesNotKnow() {
        Diagnosis cached = of("CUDA out of memory. Tried to allocate 2.00 GiB" + FIGURES + "8.00 GiB cached)");
        Diagnosis hinted =
                of("CUDA out of memory. Tried to allocate 2.00 GiB" + FIGURES + "14.50 GiB reserved in total by"
                        + " PyTorch) If reserved memory is >> allocated memory try setting max_split_size_mb");
        Diagnosis async =
                of("Allocation on device 0 would exceed allowed memory. (out of memory)\nCurrently allocated : 3.00"
                        + " GiB\nRequested : 1.00 GiB\nDevice limit : 12.00 GiB\nFree (according to CUDA): 0 bytes");
        Diagnosis xpu =
                of("XPU out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 11.93 GiB of which"
                        + " 5.62 MiB is free. Of the allocated memory 10.43 GiB is allocated by PyTorch, and 94.57 MiB is reserved by"
                        + " PyTorch but unallocated.");

        assertThat(code(cached)).noneMatch(how -> how.contains("ALLOC_CONF"));
        assertThat(code(hinted))
                .anyMatch(how -> how.contains("max_split_size_mb"))
                .noneMatch(how -> how.contains("expandable_segments"));
        assertThat(hinted.wontHelp()).anyMatch(each -> each.name().contains("expandable segments"));
        assertThat(code(async)).noneMatch(how -> how.contains("ALLOC_CONF"));
        assertThat(code(xpu)).noneMatch(how -> how.contains("CUDA") || how.contains("nvidia"));
    }

    @Test
    void theDriversErrorOfExpandableSegmentsOffersToSwitchThemOff() {
        Diagnosis diagnosis = of("RuntimeError: CUDA driver error: out of memory");

        assertThat(code(diagnosis)).anyMatch(how -> how.contains("expandable_segments:False"));
        assertThat(diagnosis.wontHelp()).anyMatch(each -> each.name().equals("expandable segments"));
        assertThat(code(of("RuntimeError: CUDA error: out of memory")))
                .anyMatch(how -> how.contains("expandable_segments:True"));
    }

    @Test
    void aDeviceWithRoomIsNotAdvisedToBeEmptied() {
        Diagnosis diagnosis =
                of("CUDA out of memory. Tried to allocate 7.50 GiB (GPU 0; 15.78 GiB total capacity; 6.20 GiB"
                        + " already allocated; 8.10 GiB free; 6.50 GiB reserved in total by PyTorch)");

        assertThat(code(diagnosis))
                .anyMatch(how -> how.contains("ulimit -v"))
                .anyMatch(how -> how.contains("nvidia-smi -L"));
        assertThat(diagnosis.remedies()).allMatch(advice -> advice.saves().isEmpty());
    }

    @Test
    void aCapIsRaisedWhereTheReleaseCan() {
        String old =
                "CUDA out of memory. Tried to allocate 1.00 GiB (GPU 0; 24.00 GiB total capacity; 9.00 GiB already allocated;"
                        + " 12.00 GiB free; 9.50 GiB allowed; 9.10 GiB reserved in total by PyTorch)";

        assertThat(of(old).cause()).isEqualTo(Cause.LIMIT);
        assertThat(code(of(old))).noneMatch(how -> how.contains("per_process_memory_fraction:"));
    }

    @Test
    void sizesFollowFromWhatIsInForce() {
        Diagnosis direct =
                of("java.lang.OutOfMemoryError: Cannot reserve 4096 bytes of direct buffer memory (allocated:"
                        + " 100000000, limit: 104857600)");
        Reading now = Reading.now();
        JvmMemory jvm = new JvmMemory(
                0,
                OptionalLong.empty(),
                0,
                OptionalLong.of(8 * Bytes.GIB),
                0,
                0,
                OptionalLong.empty(),
                OptionalLong.empty(),
                1);
        Reading large = new Reading(
                now.at(), "failed", now.process(), jvm, now.nativeHeap(), now.arrays(), List.of(), List.of());
        Diagnosis heap = Diagnosis.of(
                OutOfMemory.read("java.lang.OutOfMemoryError: Java heap space").orElseThrow(),
                Situation.unknown().in(Situation.Kernel.JJAVA).readings(List.of(large)));

        assertThat(code(direct)).anyMatch(how -> how.contains("MaxDirectMemorySize=200m"));
        assertThat(code(heap)).anyMatch(how -> how.contains("-Xmx16g"));
        assertThat(code(of("java.lang.OutOfMemoryError: Java heap space"))).noneMatch(how -> how.contains("4g"));
        assertThat(code(of("container exited with code 137"))).noneMatch(how -> how.contains("8g"));
    }

    @Test
    void savingsAreToldAsPrintedAndNotForCrumbs() {
        Diagnosis half = of(
                "CUDA out of memory. Tried to allocate 2.00 GiB" + FIGURES + "7.00 GiB reserved in total by PyTorch)");
        Diagnosis crumb = of("DefaultCPUAllocator: not enough memory: you tried to allocate 4096 bytes.");

        assertThat(half.remedies())
                .filteredOn(advice -> advice.name().contains("smaller batch"))
                .extracting(advice -> advice.saves().orElse(0))
                .containsExactly(Bytes.GIB);
        assertThat(crumb.remedies()).allMatch(advice -> advice.saves().isEmpty());
    }

    @Test
    void remediesAreCodeInTheLanguageThatFailed() {
        String text =
                "CUDA out of memory. Tried to allocate 2.00 GiB" + FIGURES + "7.00 GiB reserved in total by PyTorch)";

        assertThat(code(of("RuntimeError: " + text))).anyMatch(how -> how.contains("torch.utils.checkpoint"));
        assertThat(code(of("ai.djl.engine.EngineException: " + text)))
                .anyMatch(how -> how.contains("MicroBatches"))
                .noneMatch(how -> how.contains("torch.utils"));
    }

    private static List<String> code(Diagnosis diagnosis) {
        return diagnosis.remedies().stream().map(Advice::how).toList();
    }

    private static Diagnosis of(String text) {
        return Diagnosis.of(Log.read(text), Situation.unknown()).orElseThrow();
    }
}
