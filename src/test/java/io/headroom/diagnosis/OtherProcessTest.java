package io.headroom.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.oom.OutOfMemory;
import io.headroom.units.Bytes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

    /** In a container the only process listed may be this one, with another library's memory in it. */
    @ParameterizedTest
    @CsvSource({"79.15,200.00 MiB,78.90,30.00,2.00", "23.65,100.00 MiB,23.54,5.00,2.00"})
    void aProcessThatDoesNotFitBesideThisOneIsThisOne(
            String total, String free, String listed, String allocated, String asked) {
        Diagnosis diagnosis = Diagnosis.of(
                OutOfMemory.read("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate " + asked
                                + " GiB. GPU 0 has a total capacity of " + total + " GiB of which " + free
                                + " is free. Process 1 has " + listed + " GiB memory in use. Of the allocated memory "
                                + allocated
                                + " GiB is allocated by PyTorch, and 1.00 GiB is reserved by PyTorch but unallocated.")
                        .orElseThrow(),
                Situation.unknown());

        assertThat(diagnosis.cause()).isEqualTo(Cause.UNKNOWN);
        assertThat(diagnosis.confidence()).isLessThanOrEqualTo(0.6);
        assertThat(diagnosis.remedies())
                .noneMatch(advice ->
                        advice.name().contains("process 1") || advice.how().contains("kill "));
        assertThat(diagnosis.implied())
                .anyMatch(line -> line.startsWith("Process 1 is this process itself"))
                .noneMatch(line -> line.startsWith("Not this process") || line.startsWith("Neither free"));
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
