package io.headroom.oom;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.memory.Fork;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A log that is one line is read with work that grows with its length, in a heap that does not hold it. */
class LongLineTest {
    @Test
    void aLineLongerThanTheHeapIsRead() {
        Fork.Result result = Fork.run(LongLineMain.class, List.of("-Xmx32m", "-XX:+UseSerialGC"));

        assertThat(result.output().strip()).isEqualTo("64 1 " + Math.round(1.7 * (1L << 30)));
        assertThat(result.exit()).isZero();
    }

    @Test
    void aMessagesTopIsLookedForInTheLastCharactersOfALine() {
        for (String message : List.of("Java heap space, ", "Caused by: CUDA out of memory, ", "exit code 137, ")) {
            Counted line = new Counted(message.repeat(40_000));

            Trace.top(line, line.length());

            assertThat(line.read).as(message).isLessThan(2000);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Java heap space, ", "exit code 137, ", "Caused by: CUDA out of memory. "})
    void twiceTheLineIsTwiceTheWork(String message) throws IOException {
        String once = message.repeat((1 << 16) / message.length());
        allocated(once);

        assertThat(allocated(once.repeat(4))).isLessThan(8 * allocated(once));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Java heap space, ",
                "exit code 137 ",
                "OOMKilled ",
                "std::bad_alloc ",
                "\"CUDA out of memory\", ",
                "failed to allocate ",
                "exit code 137 Java heap space, size mismatch "
            })
    void whatIsSaidOverAndOverIsReadOnce(String words) throws IOException {
        String line = words.repeat((1 << 20) / words.length());
        allocated(line);

        assertThat(allocated(line)).isLessThan(60L * line.length());
    }

    @Test
    void whatStandsBetweenRepetitionsIsFound() throws IOException {
        String again = "exit code 137 OOMKilled, ".repeat(20_000);
        String line = again + "CUDA out of memory. Tried to allocate 2.00 GiB " + again
                + "java.lang.OutOfMemoryError: Metaspace " + again + "size mismatch " + again
                + "CUDA out of memory. Tried to allocate 3.00 GiB " + again + "Java heap space";

        Log log = Log.read(new ByteArrayInputStream(line.getBytes(StandardCharsets.US_ASCII)));

        assertThat(log.failures().stream().map(OutOfMemory::wording))
                .containsExactly(
                        Wording.EXIT_137,
                        Wording.CGROUP_KILL,
                        Wording.HEADLINE,
                        Wording.METASPACE,
                        Wording.HEADLINE,
                        Wording.JAVA_HEAP);
        assertThat(log.nearMisses()).hasSize(1);
    }

    @Test
    void everyNumberOfACountingLineIsRead() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int each = 1; each <= 60; each++) {
            line.append(("CUDA out of memory. Tried to allocate " + each + ".00 GiB ").repeat(200));
        }

        Log log = Log.read(new ByteArrayInputStream(line.toString().getBytes(StandardCharsets.US_ASCII)));

        assertThat(log.failures()).hasSize(60);
    }

    /** What is copied and made for reading it: text taken from a line's start for every message would grow as the square. */
    private static long allocated(String line) throws IOException {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        Log.read(new ByteArrayInputStream(line.getBytes(StandardCharsets.US_ASCII)));
        return threads.getCurrentThreadAllocatedBytes() - before;
    }

    private static final class Counted implements CharSequence {
        private final String text;
        private long read;

        Counted(String text) {
            this.text = text;
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public char charAt(int index) {
            read++;
            return text.charAt(index);
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            read += end - start;
            return text.substring(start, end);
        }
    }
}
