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

    private static List<Backend> backends(String text) {
        return Log.read(text).failures().stream().map(OutOfMemory::backend).toList();
    }
}
