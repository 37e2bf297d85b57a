package io.headroom.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.oom.OutOfMemory;
import org.junit.jupiter.api.Test;

/** Advice promises no more than the message lets be told. */
class HonestAdviceTest {
    @Test
    void onlyAnotherShapeHelpsAnAbsurdRequest() {
        assertThat(of("DefaultCPUAllocator: can't allocate memory: you tried to allocate 34359738368000 bytes.")
                        .remedies())
                .extracting(Advice::name)
                .containsExactly("fix the shape");
        assertThat(of("CUDA out of memory. Tried to allocate 305172.48 GiB. GPU 0 has a total capacity of 23.65 GiB of"
                                + " which 20.00 GiB is free.")
                        .remedies())
                .extracting(Advice::name)
                .containsExactly("fix the shape");
    }

    @Test
    void whatIsMissingIsToldAndASavingIsALowerBound() {
        Diagnosis diagnosis = of("MPS backend out of memory (MPS allocated: 8.14 GiB, other allocations: 768.00 MiB,"
                + " max allowed: 9.00 GiB). Tried to allocate 253.95 MiB on private pool.");

        assertThat(diagnosis.implied()).anyMatch(line -> line.startsWith("Missing: ") && line.contains("253.95 MiB"));
        assertThat(diagnosis.remedies()).anyMatch(advice -> advice.basis().startsWith("at least"));
    }

    @Test
    void sentencesReadWell() {
        Diagnosis cublas =
                of("RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`");

        assertThat(cublas.what()).startsWith("cuBLAS could not get memory: the message does not tell why");
        assertThat(cublas.measureNext()).noneMatch(line -> line.contains("Tried to allocate"));
        assertThat(of("MemoryError").what()).startsWith("An allocation of host memory failed");
    }

    private static Diagnosis of(String text) {
        return Diagnosis.of(OutOfMemory.read(text).orElseThrow(), Situation.unknown());
    }
}
