package io.headroom.oom;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class MixedBackendsTest {
    private static final String CUDA = "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 1; 23.69 GiB"
            + " total capacity; 20.10 GiB already allocated; 12.31 MiB free; 21.00 GiB reserved in total by PyTorch)";

    @Test
    void aJvmErrorLendsItsBackendToNoLaterMessage() {
        assertThat(backends("java.lang.OutOfMemoryError: GC overhead limit exceeded\n" + CUDA))
                .containsExactly(Backend.JVM, Backend.CUDA);
    }

    @Test
    void whatDjlDeliversIsStillTheJvms() {
        assertThat(backends("ai.djl.engine.EngineException: CUDA out of memory. Tried to allocate 20.00 MiB"))
                .containsExactly(Backend.JVM);
    }

    @Test
    void aJvmErrorBehindLendsItsBackendToNoEarlierMessage() {
        assertThat(backends(CUDA + "\njava.lang.OutOfMemoryError: Java heap space\n\tat a.B.c(B.java:3)"))
                .containsExactly(Backend.CUDA, Backend.JVM);
        assertThat(backends(CUDA + "\njava.lang.IllegalStateException: closed\n\tat a.B.c(B.java:3)"))
                .containsExactly(Backend.CUDA);
    }

    @Test
    void theFramesOfAnEarlierExceptionLendNothing() {
        assertThat(backends("java.lang.OutOfMemoryError: Java heap space\n\tat java.util.Arrays.copyOf(Arrays.java:3)\n"
                        + "\tat java.util.ArrayList.grow(ArrayList.java:9)\nTraceback (most recent call last):\n"
                        + CUDA))
                .containsExactly(Backend.JVM, Backend.CUDA);
    }

    @Test
    void ncclTakesNothingFromTheNextMessage() {
        Log log = Log.read("RuntimeError: NCCL error in: ProcessGroupNCCL.cpp:1, unhandled system error\n" + CUDA);

        assertThat(log.failures()).extracting(OutOfMemory::backend).containsExactly(Backend.CUDA);
        assertThat(log.first().orElseThrow().size(Field.REQUESTED)).isPresent();
        assertThat(log.earlier()).hasSize(1);
    }

    private static List<Backend> backends(String text) {
        return Log.read(text).failures().stream().map(OutOfMemory::backend).toList();
    }
}
