package io.headroom.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.oom.OutOfMemory;
import io.headroom.units.Bytes;
import org.junit.jupiter.api.Test;

/** A process that the message names is named, with what it holds. */
class OtherProcessTest {
    @Test
    void aNamedProcessIsOfferedToBeEndedThoughItIsNotTheCause() {
        Diagnosis diagnosis = of("Process 4242 has 11.20 GiB memory in use. ", "12.40 GiB");

        assertThat(diagnosis.cause()).isEqualTo(Cause.CAPACITY);
        assertThat(diagnosis.what()).contains("beside process 4242 (11.20 GiB)");
        assertThat(diagnosis.implied()).anyMatch(line -> line.contains("Not this process: process 4242"));
        Advice first = diagnosis.remedies().get(0);
        assertThat(first.name()).isEqualTo("end process 4242");
        assertThat(first.how()).contains("process 4242 (11.20 GiB)");
        assertThat(first.saves().orElse(0)).isBetween(11 * Bytes.GIB, 12 * Bytes.GIB);
    }

    @Test
    void noneIsMadeUp() {
        Diagnosis diagnosis = of("", "23.40 GiB");

        assertThat(diagnosis.what()).doesNotContain("beside");
        assertThat(diagnosis.remedies()).extracting(Advice::name).noneMatch(name -> name.contains("process"));
    }

    private static Diagnosis of(String clause, String own) {
        String text =
                "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of"
                        + " 23.65 GiB of which 12.31 MiB is free. " + clause
                        + "Including non-PyTorch memory, this process has "
                        + own
                        + " memory in use. Of the allocated memory 11.50 GiB is allocated by PyTorch, and 412.00 MiB is"
                        + " reserved by PyTorch but unallocated.";
        return Diagnosis.of(OutOfMemory.read(text).orElseThrow(), Situation.unknown());
    }
}
