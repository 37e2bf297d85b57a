package io.headroom.allocator;

import ai.djl.ndarray.NDManager;
import com.sun.jna.Native;
import io.headroom.memory.Reading;
import io.headroom.trace.Trace;
import io.headroom.trace.TraceText;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.LoggerFactory;

/**
 * A trace run on the C library's own malloc, measured: what fragmentation is on CPU, and what glibc's variables change.
 *
 * <p>Each setting gets a small JVM of its own, for malloc reads its variables when a process begins. There every allocation
 * of the trace is a {@code malloc} whose pages are touched and every free a {@code free}; each stream is a thread, and so
 * may get an arena of its own. Bytes are those of the resident set above the JVM that runs it. Linux with glibc only.
 * Safe for any number of threads.
 *
 * <pre>{@code
 * MallocReplay replay = MallocReplay.of(TraceText.parse("alloc a 64 MiB \n free a"), setting -> {});
 * replay.rows().get(0).peak();      // measured bytes
 * replay.rows().get(0).kept();      // still resident when all is freed
 * replay.rows().get(0).trimmed();   // what malloc_trim gave back of it
 * }</pre>
 *
 * <p>Source: <a href="https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html">glibc's manual</a>;
 * {@code mallopt(3)}.
 */
public final class MallocReplay {
    /**
     * One run.
     *
     * @param environment the variables it ran with, empty for malloc as it comes
     * @param peak the most that was resident
     * @param end resident when the trace was over
     * @param live bytes the trace still holds then
     * @param trimmed what {@code malloc_trim} gave back after that
     */
    public record Row(Map<String, String> environment, long peak, long end, long live, long trimmed) {
        public Row {
            environment = Map.copyOf(environment);
        }

        /** Resident although nobody holds it; a little of it is the runner's own. */
        public long kept() {
            return Math.max(0, end - live);
        }

        /** The variables as one line, or "as malloc comes". */
        public String change() {
            return environment.isEmpty()
                    ? "as malloc comes"
                    : environment.entrySet().stream()
                            .sorted(Map.Entry.comparingByKey())
                            .map(entry -> entry.getKey() + "=" + entry.getValue())
                            .collect(Collectors.joining(" "));
        }
    }

    /** What is tried: malloc as it comes, one arena, blocks mapped one by one, freed memory trimmed at once. */
    public static final List<Map<String, String>> ENVIRONMENTS = List.of(
            Map.of(),
            Map.of("MALLOC_ARENA_MAX", "1"),
            Map.of("MALLOC_TRIM_THRESHOLD_", "65536"),
            Map.of("MALLOC_MMAP_THRESHOLD_", "65536"));

    private static final long SPARE = 256 * Bytes.MIB;
    private static final long PATIENCE_SECONDS = 120;
    private static final long LARGEST_TEXT = 4 * Bytes.MIB;

    private final Trace trace;
    private final List<Row> rows;

    private MallocReplay(Trace trace, List<Row> rows) {
        this.trace = trace;
        this.rows = List.copyOf(rows);
    }

    /**
     * Runs a trace under each of {@link #ENVIRONMENTS}, one after the other.
     *
     * @param progress is told each setting before its run
     * @throws IllegalArgumentException if the trace needs more memory than is free or is too long; nothing has run then
     * @throws UnsupportedOperationException on another system than Linux
     * @throws IllegalStateException if a run fails; the message is what it said
     */
    public static MallocReplay of(Trace trace, Consumer<String> progress) {
        if (!System.getProperty("os.name").startsWith("Linux")) {
            throw new UnsupportedOperationException("malloc's variables are glibc's: this needs Linux.");
        }
        long needs = trace.peakLive().bytes();
        OptionalLong free = Reading.now().headroom();
        if (free.isPresent() && needs > free.getAsLong() - SPARE) {
            throw new IllegalArgumentException("the trace holds " + Bytes.format(needs) + " at once, but "
                    + Bytes.format(free.getAsLong()) + " are free here: make its sizes smaller.");
        }
        String text = TraceText.format(trace);
        if (text.length() > LARGEST_TEXT) {
            throw new IllegalArgumentException(
                    "the trace has " + trace.events() + " events: malloc is tried with some 100 000 at most.");
        }
        List<Row> rows = new ArrayList<>();
        for (Map<String, String> environment : ENVIRONMENTS) {
            progress.accept(environment.isEmpty() ? "as malloc comes" : String.join(" ", environment.keySet()));
            rows.add(run(text, environment));
        }
        return new MallocReplay(trace, rows);
    }

    /** The trace that ran. */
    public Trace trace() {
        return trace;
    }

    /** The runs in the order of {@link #ENVIRONMENTS}. */
    public List<Row> rows() {
        return rows;
    }

    private static Row run(String trace, Map<String, String> environment) {
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xms64m",
                        "-Xmx64m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        classPath(),
                        MallocRunner.class.getName())
                .redirectErrorStream(true);
        builder.environment().keySet().removeIf(name -> name.startsWith("MALLOC_") || name.equals("GLIBC_TUNABLES"));
        builder.environment().putAll(environment);
        Process process = null;
        try {
            Path said = Files.createTempFile("headroom-malloc", ".txt");
            try {
                process = builder.redirectOutput(said.toFile()).start();
                boolean taken = send(process, trace);
                boolean ended = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
                String text = Files.readString(said).strip();
                if (!ended) {
                    throw new IllegalStateException(
                            "the run on malloc did not end in " + PATIENCE_SECONDS + " s: " + text);
                }
                if (!taken || process.exitValue() != 0) {
                    throw new IllegalStateException("the run on malloc failed: " + text);
                }
                return row(environment, text);
            } finally {
                Files.deleteIfExists(said);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a run on malloc was under way", e);
        } finally {
            if (process != null) {
                process.destroyForcibly();
            }
        }
    }

    /** A run that fails early closes its end; what it said is in the file then. */
    private static boolean send(Process process, String trace) {
        try (OutputStream in = process.getOutputStream()) {
            in.write(trace.getBytes(StandardCharsets.UTF_8));
            return true;
        } catch (IOException closed) {
            return false;
        }
    }

    private static Row row(Map<String, String> environment, String said) {
        String[] figures = said.substring(said.lastIndexOf('\n') + 1).split(" ");
        if (figures.length != MallocRunner.FIGURES) {
            throw new IllegalStateException("the run on malloc said: " + said);
        }
        return new Row(
                environment,
                Math.max(Long.parseLong(figures[0]), Long.parseLong(figures[1])),
                Long.parseLong(figures[1]),
                Long.parseLong(figures[2]),
                Long.parseLong(figures[3]));
    }

    /** This library and what a reading needs, wherever the kernel has them: its own class path need not be the JVM's. */
    private static String classPath() {
        Set<String> places = new LinkedHashSet<>();
        for (Class<?> type : List.of(MallocRunner.class, Native.class, NDManager.class, LoggerFactory.class)) {
            try {
                places.add(Path.of(type.getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                                .toURI())
                        .toString());
            } catch (URISyntaxException e) {
                throw new IllegalStateException(e);
            }
        }
        return String.join(System.getProperty("path.separator"), places);
    }
}
