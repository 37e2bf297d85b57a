package io.headroom.oom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is no message, or half of one, is neither an exception nor a false figure. */
class BadInputTest {
    private static final String FULL =
            "CUDA out of memory. Tried to allocate 1.70 GiB. GPU 0 has a total capacity of 6.00 GiB of"
                    + " which 0 bytes is free. Of the allocated memory 2.93 GiB is allocated by PyTorch, and 2.30 GiB is reserved by"
                    + " PyTorch but unallocated.";

    @Test
    void emptyAndNull() {
        assertThat(OutOfMemory.read("")).isEmpty();
        assertThat(OutOfMemory.read("   \n\t")).isEmpty();
        assertThat(OutOfMemory.read((String) null)).isEmpty();
        assertThat(OutOfMemory.read((Throwable) null)).isEmpty();
    }

    @Test
    void sizesThatAreNoNumbersAreLeftOut() {
        assertThat(stated("nan GiB")).isEmpty();
        assertThat(stated("-2.00 GiB")).isEmpty();
        assertThat(stated("99999999999999999999999999999999 GiB")).isEmpty();
        assertThat(stated("1.5 parsecs")).isEmpty();
        assertThat(stated("1.2.3.4 GiB")).doesNotContainKey(Field.TOTAL);
        assertThat(stated("")).isEmpty();
    }

    @Test
    void aNegativeOrOverflowingRequestIsImpossible() {
        assertThat(read("CUDA out of memory. Tried to allocate -2.00 GiB.").impossible())
                .isTrue();
        assertThat(read("CUDA out of memory. Tried to allocate 17179869184.00 GiB.")
                        .impossible())
                .isTrue();
        assertThat(read("CUDA out of memory. Tried to allocate more than 1EB memory.")
                        .impossible())
                .isTrue();
        assertThat(read(FULL).impossible()).isFalse();
    }

    @Test
    void whatIsNoNumberElsewhereIsUnknownAndSaysNothingOfTheRequest() {
        for (String size : List.of("-1.00 GiB", "nan GiB", "inf GiB", "1.2.3.4 GiB", "1,024.00 GiB")) {
            OutOfMemory behind = read("CUDA out of memory. Tried to allocate 1.00 GiB. GPU 0 has a total capacity of "
                    + size + " of which " + size + " is free.");
            OutOfMemory before = read("CUDA out of memory. Tried to allocate 1.00 GiB (GPU 0; " + size
                    + " total capacity; 1.00 GiB already allocated; " + size + " free)");

            assertThat(behind.sizes()).as(size).containsOnlyKeys(Field.REQUESTED);
            assertThat(before.sizes()).as(size).containsOnlyKeys(Field.REQUESTED, Field.ALLOCATED);
            assertThat(behind.impossible() || before.impossible()).as(size).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1e999", "1e3", "1E5", "1e+5", "1.5e-3"})
    void aNumberInAnotherNotationIsNotReadFromItsEnd(String number) {
        String message = "CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 6.00 GiB total capacity; " + number
                + " GiB already allocated; 1.00 GiB free)";

        assertThat(OutOfMemory.read(message).orElseThrow().fields()).doesNotContainKey("allocated_bytes");
    }

    @Test
    void sizesThatAddUpToMoreThanALongHoldsDoNotThrow() {
        StringBuilder text = new StringBuilder(
                "CUDA out of memory. Tried to allocate 999999999.00 GiB. GPU 0 has a total capacity of 999999999.00 GiB of"
                        + " which 999999999.00 GiB is free. ");
        for (int pid = 1; pid < 20; pid++) {
            text.append("Process ").append(pid).append(" has 999999999.00 GiB memory in use. ");
        }
        text.append(
                "Of the allocated memory 999999999.00 GiB is allocated by PyTorch, and 999999999.00 GiB is reserved by"
                        + " PyTorch but unallocated.");

        OutOfMemory oom = read(text.toString());

        assertThat(oom.processes()).hasSize(19);
        assertThat(oom.size(Field.OTHER_PROCESS).orElseThrow().bytes()).isPositive();
        Size huge = Size.exactly(Long.MAX_VALUE);
        assertThat(huge.plus(huge).bytes()).isPositive();
        assertThat(Size.exactly(Long.MIN_VALUE).minus(huge).bytes()).isNegative();
    }

    @Test
    void aCountLongerThanAnyIsNoFigure() {
        OutOfMemory oom =
                read("java.lang.OutOfMemoryError: Cannot reserve 123456789012345678901234 bytes of direct buffer"
                        + " memory (allocated: 123456789012345678901234, limit: 2048)");

        assertThat(oom.sizes()).containsOnlyKeys(Field.MAX_ALLOWED);
    }

    @Test
    void sizesCutToWholeUnitsAreKnownToTheUnit() {
        Size size = read("$ Torch: not enough memory: you tried to allocate 2GB. Buy new RAM!")
                .size(Field.REQUESTED)
                .orElseThrow();

        assertThat(size.high()).isGreaterThanOrEqualTo(3L << 30);
    }

    @Test
    void theDriversMissingValueIsNoSize() {
        OutOfMemory oom = read(FULL.replace("Of the", "Process 17 has 17179869184.00 GiB memory in use. Of the"));

        assertThat(oom.processes()).isEmpty();
        assertThat(oom.sizes()).containsKey(Field.ALLOCATED);
    }

    @Test
    void everyPrefixOfAMessageReadsOrIsNothing() {
        for (int end = 0; end <= FULL.length(); end++) {
            String cut = FULL.substring(0, end);
            OutOfMemory.read(cut).ifPresent(oom -> oom.fields()
                    .forEach((name, value) -> assertThat(read(FULL).fields()).containsEntry(name, value)));
        }
    }

    @Test
    void otherLanguagesAround() {
        OutOfMemory oom = read("训练失败:" + FULL + " Ошибка: не хватает памяти");

        assertThat(oom.fields()).isEqualTo(read(FULL).fields());
    }

    @Property(tries = 300)
    void binaryIsReadWithoutHarm(@ForAll byte[] bytes) {
        assertThatCode(() -> Log.read(new ByteArrayInputStream(bytes))).doesNotThrowAnyException();
    }

    @Test
    void utf16LogsAreRead() throws IOException {
        byte[] log = FULL.getBytes(StandardCharsets.UTF_16LE);

        assertThat(Log.read(new ByteArrayInputStream(log)).first().orElseThrow().fields())
                .isEqualTo(read(FULL).fields());
    }

    @Test
    void oneLongLineIsRead() throws IOException {
        long size = 48L << 20;
        Log log = Log.read(new Line(size, FULL));

        assertThat(log.bytes()).isEqualTo(size);
        assertThat(log.first().orElseThrow().fields()).isEqualTo(read(FULL).fields());
    }

    @Test
    void aMessageAcrossTheBuffersEdgeIsRead() throws IOException {
        Random random = new Random(7);
        for (int i = 0; i < 40; i++) {
            int before = (1 << 21) - (1 << 15) - 400 + random.nextInt(800);
            String log = "x".repeat(before) + " " + FULL + " y".repeat(50_000);
            Log read = Log.read(new ByteArrayInputStream(log.getBytes(StandardCharsets.US_ASCII)));

            assertThat(read.failures()).hasSize(1);
            assertThat(read.first().orElseThrow().fields()).isEqualTo(read(FULL).fields());
        }
    }

    @Test
    void excerptsAreReadableWhereverTheTextCameFrom() throws IOException {
        String text = "\u001b[31m训练失败 😀: " + FULL.replace(". ", ".\u001b[0m ") + "\u0007";
        String stream = Log.read(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)))
                .first()
                .orElseThrow()
                .excerpt();
        String wide = Log.read(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_16LE)))
                .first()
                .orElseThrow()
                .excerpt();
        String large = read("x\n".repeat(200_000) + text).excerpt();

        assertThat(stream).startsWith("训练失败 😀: CUDA").doesNotContain("\u001b", "\u0007");
        assertThat(large).isEqualTo(stream).isEqualTo(read(text).excerpt());
        assertThat(wide).contains("CUDA out of memory").doesNotContain("\u0000");
    }

    @Test
    void aLongTextReadsAsAStreamDoes() {
        assertThat(Log.read("x".repeat(600_000) + "\n" + FULL).failures()).hasSize(1);
    }

    private static java.util.Map<Field, Size> stated(String size) {
        return OutOfMemory.read(
                        "CUDA out of memory. Tried to allocate " + size + ". GPU 0 has a total capacity of " + size)
                .map(OutOfMemory::sizes)
                .orElseThrow();
    }

    private static OutOfMemory read(String text) {
        return OutOfMemory.read(text).orElseThrow();
    }

    /** One line without an end, with a message in its middle. */
    private static final class Line extends InputStream {
        private final long size;
        private final byte[] message;
        private long at;

        Line(long size, String message) {
            this.size = size;
            this.message = message.getBytes(StandardCharsets.US_ASCII);
        }

        @Override
        public int read() {
            if (at >= size) {
                return -1;
            }
            long into = at++ - size / 2;
            return into >= 0 && into < message.length ? message[(int) into] : 'z';
        }

        @Override
        public int read(byte[] into, int offset, int length) {
            int count = 0;
            while (count < length && at < size) {
                into[offset + count++] = (byte) read();
            }
            return count == 0 ? -1 : count;
        }
    }
}
