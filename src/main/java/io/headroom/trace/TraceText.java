package io.headroom.trace;

import io.headroom.units.Bytes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A trace as text a person writes: one event a line, {@code #} begins a comment.
 *
 * <pre>{@code
 * phase epoch 1
 * alloc a 60 MiB attention      # name, size, operator
 * free a
 * alloc b 10 MiB on 1           # on stream 1
 * repeat 5                      # ... end
 *   alloc c 4 MiB gelu
 *   free c
 *   alloc kept$ 1 MiB           # kept1, kept2, …: $ is the number of the repetition
 * end
 * empty_cache
 * mark the large sample
 * }</pre>
 *
 * <p>Stateless and safe for any number of threads.
 */
public final class TraceText {
    private static final int MOST_EVENTS = 20_000_000;
    private static final int MOST_LIVE = 1_000_000;
    private static final int MOST_NESTING = 16;
    private static final String STEP = "alloc NAME SIZE [OPERATOR] [on STREAM], free NAME, use NAME on STREAM, "
            + "empty_cache, phase TEXT, mark TEXT, repeat N … end";
    private static final int LONGEST_HEAD = 1 << 16;
    private static final Pattern STEPS = Pattern.compile("empty_cache|(alloc|free|use|phase|mark|repeat)(\\s.*)?");
    private static final Pattern ALLOC = Pattern.compile(
            "(\\S+)\\s+([0-9.]+\\s*(?:bytes?|[KMGT]i?B|[KMGT]|B)?)(?:\\s+(.*?))??(?:\\s+on\\s+([0-9]{1,9}))?",
            Pattern.CASE_INSENSITIVE);
    private static final Pattern STREAM_AT_END = Pattern.compile("\\bon [0-9]{1,9}$", Pattern.CASE_INSENSITIVE);
    private static final Pattern USE = Pattern.compile("(\\S+)\\s+on\\s+([0-9]{1,9})");

    private final List<String> lines;
    /** Of each line that begins a repeat the line of its end, 0 if it has none. */
    private final int[] ends;

    private final Trace.Builder trace = Trace.builder();
    private final Map<String, Integer> ids = new HashMap<>();
    private String repetition = "";
    private int steps;

    private TraceText(String text) {
        lines = text.lines().map(TraceText::stripped).toList();
        ends = ends(lines);
    }

    /**
     * Reads a trace.
     *
     * @throws IllegalArgumentException naming the line, what is wrong with it and what could stand there
     */
    public static Trace parse(String text) {
        TraceText reader = new TraceText(text);
        reader.run(0, reader.lines.size(), 0);
        return reader.trace.build();
    }

    /**
     * Reads a trace from a UTF-8 file.
     *
     * @throws IllegalArgumentException as {@link #parse}, naming the file
     */
    public static Trace read(Path file) throws IOException {
        try {
            return parse(Files.readString(file));
        } catch (MalformedInputException e) {
            throw new IllegalArgumentException(file.getFileName() + " is no trace as text: it is not UTF-8", e);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(file.getFileName() + ", " + e.getMessage(), e);
        }
    }

    /** Whether a file begins like a trace as text: its first line with more than a comment is a step. */
    public static boolean isTrace(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            return false;
        }
        byte[] head;
        try (InputStream in = Files.newInputStream(file)) {
            head = in.readNBytes(LONGEST_HEAD);
        }
        return new String(head, StandardCharsets.UTF_8)
                .lines()
                .map(TraceText::stripped)
                .filter(line -> !line.isEmpty())
                .findFirst()
                .filter(line -> STEPS.matcher(line).matches())
                .isPresent();
    }

    private static String stripped(String line) {
        return line.replaceFirst("(^|\\s)#.*", "").strip();
    }

    private void run(int from, int to, int depth) {
        for (int i = from; i < to; i++) {
            String line = lines.get(i);
            if (++steps > MOST_EVENTS) {
                throw new IllegalArgumentException("line " + (i + 1) + ": more than " + MOST_EVENTS + " steps");
            }
            if (line.isEmpty()) {
                continue;
            }
            try {
                i = step(line, i, depth);
            } catch (IllegalArgumentException e) {
                if (e.getMessage().startsWith("line ")) {
                    throw e;
                }
                throw new IllegalArgumentException("line " + (i + 1) + ", \"" + line + "\": " + e.getMessage(), e);
            }
        }
    }

    private int step(String line, int at, int depth) {
        String[] words = line.split("\\s+", 2);
        String rest = words.length > 1 ? words[1] : "";
        switch (words[0]) {
            case "alloc" -> alloc(rest);
            case "free" -> {
                trace.free(id(rest));
                ids.remove(named(rest));
            }
            case "use" -> {
                Matcher use = matched(USE, rest);
                trace.recordStream(id(use.group(1)), Long.parseLong(use.group(2)));
            }
            case "empty_cache" -> trace.emptyCache();
            case "phase" -> trace.phase(rest);
            case "mark" -> trace.mark(rest);
            case "repeat" -> {
                int end = ends[at];
                if (end == 0) {
                    throw new IllegalArgumentException("repeat without end");
                }
                int times = times(rest);
                if (depth == MOST_NESTING) {
                    throw new IllegalArgumentException("repeats nest at most " + MOST_NESTING + " deep");
                }
                String outer = repetition;
                for (int i = 0; i < times && end > at + 1; i++) {
                    repetition = outer.isEmpty() ? "" + (i + 1) : outer + "." + (i + 1);
                    run(at + 1, end, depth + 1);
                }
                repetition = outer;
                return end;
            }
            default -> throw new IllegalArgumentException("unknown step; write " + STEP);
        }
        return at;
    }

    private void alloc(String rest) {
        Matcher alloc = matched(ALLOC, rest);
        String name = named(alloc.group(1));
        if (ids.containsKey(name)) {
            throw new IllegalArgumentException("\"" + name
                    + "\" is allocated already: free it first or take another name"
                    + (repetition.isEmpty() ? "" : "; in a repeat, $ in a name is the number of the repetition"));
        }
        if (ids.size() == MOST_LIVE) {
            throw new IllegalArgumentException("more than " + MOST_LIVE + " allocations live at once: free some first");
        }
        long stream = alloc.group(4) == null ? 0 : Long.parseLong(alloc.group(4));
        ids.put(name, trace.alloc(Bytes.parse(alloc.group(2)), alloc.group(3), stream));
    }

    private String named(String name) {
        return name.replace("$", repetition);
    }

    private int id(String written) {
        String name = named(written);
        Integer id = ids.get(name);
        if (id == null) {
            throw new IllegalArgumentException("nothing named \"" + name + "\" is allocated");
        }
        return id;
    }

    private static int times(String text) {
        if (!text.matches("[0-9]{1,8}")) {
            throw new IllegalArgumentException("repeat needs a number of times, not \"" + text + "\"");
        }
        return Integer.parseInt(text);
    }

    private static int[] ends(List<String> lines) {
        int[] ends = new int[lines.size()];
        Deque<Integer> open = new ArrayDeque<>();
        for (int i = 0; i < ends.length; i++) {
            if (lines.get(i).startsWith("repeat")) {
                open.push(i);
            } else if (lines.get(i).equals("end") && !open.isEmpty()) {
                ends[open.pop()] = i;
            }
        }
        return ends;
    }

    private static Matcher matched(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("not understood; write " + STEP);
        }
        return matcher;
    }

    /**
     * Writes a trace so that {@link #parse} reads it back: same sizes, phases, operators and order.
     *
     * <p>Streams are written by their dense index, not by their handle. In labels {@code #}, line ends and runs of blanks
     * become one blank. A free that was requested before it completed is written where it completed.
     */
    public static String format(Trace trace) {
        StringBuilder text = new StringBuilder();
        for (int event = 0; event < trace.events(); event++) {
            int id = trace.allocation(event);
            switch (trace.kind(event)) {
                case ALLOC -> {
                    text.append("alloc t")
                            .append(id)
                            .append(' ')
                            .append(trace.bytes(id))
                            .append(" bytes");
                    String operator = plain(trace.operator(id));
                    text.append(operator.isEmpty() ? "" : " " + operator);
                    boolean named = trace.stream(id) != 0
                            || STREAM_AT_END.matcher(operator).find();
                    text.append(named ? " on " + trace.stream(id) : "");
                }
                case FREE, FREE_COMPLETED -> text.append("free t").append(id);
                case RECORD_STREAM ->
                    text.append("use t").append(id).append(" on ").append(trace.streamOfEvent(event));
                case EMPTY_CACHE -> text.append("empty_cache");
                case PHASE -> text.append("phase ").append(plain(trace.label(event)));
                case MARK -> text.append("mark ").append(plain(trace.label(event)));
                default -> {
                    continue;
                }
            }
            text.append('\n');
        }
        return text.toString();
    }

    private static String plain(String label) {
        return label.replaceAll("[#\\s]+", " ").strip();
    }
}
