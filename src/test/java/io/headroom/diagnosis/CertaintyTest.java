package io.headroom.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.oom.Log;
import io.headroom.oom.OutOfMemory;
import org.junit.jupiter.api.Test;

/** A cause is no surer than its figures make it. */
class CertaintyTest {
    private static final String ASKED = "CUDA out of memory. Tried to allocate 1.00 GiB";

    @Test
    void aCapThatWasNotReachedIsNotTheCause() {
        Diagnosis diagnosis =
                of(ASKED + ". GPU 0 has a total capacity of 23.00 GiB of which 5.00 GiB is free. 10.00 GiB allowed;"
                        + " Including non-PyTorch memory, this process has 1.30 GiB memory in use. Of the allocated memory 1.00 GiB is"
                        + " allocated by PyTorch, and 10.00 MiB is reserved by PyTorch but unallocated.");

        assertThat(diagnosis.cause()).isEqualTo(Cause.UNKNOWN);
        assertThat(of(ASKED
                                + ". GPU 0 has a total capacity of 23.00 GiB of which 5.00 GiB is free. 10.00 GiB allowed; Of the"
                                + " allocated memory 9.50 GiB is allocated by PyTorch, and 10.00 MiB is reserved by PyTorch but"
                                + " unallocated.")
                        .cause())
                .isEqualTo(Cause.LIMIT);
    }

    @Test
    void whatIsOutsidePyTorchMayBeAnotherLibraryOfTheSameProcess() {
        Diagnosis diagnosis =
                of(ASKED + " (GPU 0; 23.00 GiB total capacity; 1.00 GiB already allocated; 12.00 MiB free;"
                        + " 1.10 GiB reserved in total by PyTorch)");

        assertThat(diagnosis.cause()).isEqualTo(Cause.OTHER_PROCESS);
        assertThat(diagnosis.confidence()).isLessThanOrEqualTo(0.6);
        assertThat(diagnosis.evidence().get(0)).contains("outside PyTorch");
    }

    @Test
    void aFaultBeforeAFailureCastsDoubtAndOneAfterItDoesNot() {
        String refused = "std::bad_alloc";
        String shapes = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)";

        Diagnosis after = of(refused + "\n" + shapes);
        Diagnosis before = of(shapes + "\n" + refused);

        assertThat(before.confidence()).isLessThanOrEqualTo(0.3).isLessThan(after.confidence());
        assertThat(before.evidence()).anyMatch(line -> line.contains("first fault"));
        assertThat(after.evidence()).noneMatch(line -> line.contains("first fault"));
        assertThat(after.implied()).anyMatch(line -> line.startsWith("Later in the same text: Two tensors' shapes"));
    }

    @Test
    void aCallThatTheSystemForbadeIsNoLackOfMemory() {
        String hotspot = "#\n# There is insufficient memory for the Java Runtime Environment to continue.\n";
        Diagnosis thread =
                of("[0.003s][warning][os,thread] Failed to start thread \"GC Thread#0\" - pthread_create failed"
                        + " (EPERM) for attributes: stacksize: 1024k\n" + hotspot);
        Diagnosis map =
                of("OpenJDK 64-Bit Server VM warning: INFO: os::commit_memory(0x000079373d9c8000, 2555904, 1) failed;"
                        + " error='Operation not permitted' (errno=1)\n" + hotspot);
        Diagnosis memory =
                of("OpenJDK 64-Bit Server VM warning: INFO: os::commit_memory(0x000079373d9c8000, 2555904, 1)"
                        + " failed; error='Not enough space' (errno=12)\n" + hotspot);

        assertThat(thread.cause()).isEqualTo(Cause.UNKNOWN);
        assertThat(map.cause()).isEqualTo(Cause.UNKNOWN);
        assertThat(map.evidence().get(0)).contains("operation not permitted");
        assertThat(memory.cause()).isEqualTo(Cause.HOST_RAM);
    }

    @Test
    void noLimitOfAMacIsRaisedAboveItsMemory() {
        for (String message : new String[] {
            "MPS allocated: 8.14 GiB, other allocations: 768.00 MiB, max allowed: 9.07 GiB",
            "MPS allocated: 35.14 GiB, other allocations: 768.00 MiB, max allowed: 36.27 GiB",
            "MPS allocated: 18.14 GiB, other allocations: 768.00 MiB"
        }) {
            Diagnosis diagnosis =
                    of("MPS backend out of memory (" + message + "). Tried to allocate 253.95 MiB on private pool.");

            assertThat(diagnosis.remedies()).as(message).noneMatch(advice -> advice.how()
                    .contains("WATERMARK"));
            assertThat(diagnosis.wontHelp()).as(message).anyMatch(each -> each.name()
                    .contains("WATERMARK"));
        }
    }

    @Test
    void holesSayLittleOfARequestForASmallSegment() {
        Diagnosis diagnosis =
                of("CUDA out of memory. Tried to allocate 2.00 MiB (GPU 0; 8.00 GiB total capacity; 4.78 GiB already"
                        + " allocated; 0 bytes free; 6.10 GiB reserved in total by PyTorch)");

        assertThat(diagnosis.confidence()).isLessThanOrEqualTo(0.6);
    }

    @Test
    void capacityNeedsFiguresThatAddUp() {
        assertThat(
                        of("XPU out of memory. Tried to allocate 1.71 GiB. GPU 0 has a total capacity of 15.56 GiB. Of the allocated"
                                        + " memory 176.00 MiB is allocated by PyTorch, and 2.00 MiB is reserved by PyTorch but"
                                        + " unallocated.")
                                .cause())
                .isEqualTo(Cause.UNKNOWN);
    }

    @Test
    void twoProcessesLikeThisOneAreBothNamed() {
        Diagnosis diagnosis =
                of(ASKED + ". GPU 0 has a total capacity of 23.00 GiB of which 12.00 MiB is free. Process 7 has"
                        + " 11.20 GiB memory in use. Process 8 has 11.40 GiB memory in use. Of the allocated memory 10.90 GiB is allocated"
                        + " by PyTorch, and 100.00 MiB is reserved by PyTorch but unallocated.");

        assertThat(diagnosis.implied())
                .anyMatch(line -> line.startsWith("One of process 7 and process 8 is this process"));
    }

    @Test
    void noLowerBoundIsNegative() {
        Diagnosis diagnosis =
                of(ASKED + ". GPU 0 has a total capacity of 23.00 GiB of which 12.00 MiB is free. Including"
                        + " non-PyTorch memory, this process has 11.00 GiB memory in use. Of the allocated memory 10.90 GiB is allocated"
                        + " by PyTorch, and 102.40 MiB is reserved by PyTorch but unallocated.");

        assertThat(diagnosis.implied())
                .anyMatch(line -> line.startsWith("CUDA context"))
                .noneMatch(line -> line.contains("-"));
    }

    private static Diagnosis of(String text) {
        return Diagnosis.of(Log.read(text), Situation.unknown())
                .orElseThrow(() -> new AssertionError(OutOfMemory.read(text)));
    }
}
