package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class EngineEnvironmentTest {
    @Test
    void aProfileSaysItsName() {
        EngineEnvironment malloc = EngineEnvironment.of(
                Map.of("HEADROOM_PROFILE", "headroom-malloc", "MALLOC_MMAP_THRESHOLD_", "65536")::get);
        assertThat(malloc.profile()).isEqualTo("headroom-malloc");
        assertThat(malloc.returnsFreedMemory()).isTrue();
        assertThat(malloc.toString()).isEqualTo("profile headroom-malloc: MALLOC_MMAP_THRESHOLD_=65536");
    }

    @Test
    void settingsWithoutAProfileAreCustom() {
        assertThat(EngineEnvironment.of(Map.of("PYTORCH_CUDA_ALLOC_CONF", "max_split_size_mb:64")::get)
                        .profile())
                .isEqualTo("custom");
        assertThat(EngineEnvironment.of(Map.of("OMP_NUM_THREADS", "2")::get).profile())
                .isEqualTo("default");
    }
}
