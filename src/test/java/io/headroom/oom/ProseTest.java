package io.headroom.oom;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProseTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "I read that out of memory errors are common. My notebook is slow, why?",
                "Out of memory errors are a pain.",
                "How much memory? Error bars are missing in the plot.",
                "I see many CUDA out of memory errors in forums.",
                "what is a memory error anyway"
            })
    void proseIsNoError(String text) {
        assertThat(Log.read(text).failures()).isEmpty();
    }

    @Test
    void theExceptionIsOneHoweverItStands() {
        assertThat(OutOfMemory.read("MemoryError").map(OutOfMemory::wording)).contains(Wording.PYTHON);
        assertThat(OutOfMemory.read("Traceback (most recent call last):\n  x = [0] * 10**12\nMemoryError\n")
                        .map(OutOfMemory::wording))
                .contains(Wording.PYTHON);
    }
}
