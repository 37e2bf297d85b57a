package io.headroom.oom;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a pasted text, a log or a throwable holds: its out-of-memory errors in the order they failed, and near misses.
 *
 * <p>Equal messages count once (a trace repeats them under {@code Caused by}); at most {@value #MOST} different ones are
 * kept. A stream is read in constant memory, whatever its size or the length of its lines.
 *
 * <pre>{@code
 * Log log = Log.read(Files.newInputStream(path));
 * log.first();                      // the first that failed
 * log.others();                     // the rest
 * log.nearMisses();                 // "A device-side assert: an index or label is out of range. …"
 * }</pre>
 *
 * @param failures different out-of-memory errors, the first that failed first
 * @param nearMisses what looks like one and is not
 * @param earlier those near misses that stand before the first failure: they may be the fault behind it
 * @param bytes how much was read
 */
public record Log(List<OutOfMemory> failures, List<NearMiss> nearMisses, List<NearMiss> earlier, long bytes) {
    /** How many different messages are kept. */
    public static final int MOST = 100;

    private static final int WHOLE = 1 << 18;

    public Log {
        failures = List.copyOf(failures);
        nearMisses = List.copyOf(nearMisses);
        earlier = List.copyOf(earlier);
    }

    /** Reads a text of any length; {@code null} counts as empty. */
    public static Log read(String text) {
        if (text == null || text.isEmpty()) {
            return new Log(List.of(), List.of(), List.of(), 0);
        }
        if (text.length() > WHOLE) {
            try {
                return read(new TextStream(text));
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
        Findings findings = new Findings();
        findings.add(Squeezed.of(text), 0, Integer.MAX_VALUE, 0);
        return findings.log(text.length());
    }

    /**
     * Reads a stream to its end, one pass, a few MiB of memory; closes nothing. Bytes that are no ASCII (binary, UTF-16)
     * are skipped over.
     *
     * @throws IOException if the stream does
     */
    public static Log read(InputStream in) throws IOException {
        return new LogScanner(in).scan();
    }

    /** Reads a throwable: the deepest cause first, since it failed first, then what was suppressed on the way. */
    public static Log read(Throwable throwable) {
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        List<Throwable> order = new ArrayList<>();
        collect(throwable, order, seen);
        Findings findings = new Findings();
        long length = 0;
        boolean predicting = Java.isPredicting(order);
        for (Throwable each : order) {
            String text = text(each);
            length += text.length();
            Log log = read(text);
            log.earlier().forEach(findings::add);
            List<OutOfMemory> failures = log.failures().isEmpty() && each instanceof OutOfMemoryError
                    ? List.of(OutOfMemory.unnamed(text))
                    : log.failures();
            failures.forEach(oom -> findings.add(predicting ? oom.whilePredicting() : oom));
            log.nearMisses().forEach(findings::add);
        }
        return findings.log(length);
    }

    private static void collect(Throwable throwable, List<Throwable> order, Set<Throwable> seen) {
        if (throwable == null || seen.size() >= MOST || !seen.add(throwable)) {
            return;
        }
        collect(throwable.getCause(), order, seen);
        order.add(throwable);
        for (Throwable suppressed : throwable.getSuppressed()) {
            collect(suppressed, order, seen);
        }
    }

    private static String text(Throwable throwable) {
        String message;
        try {
            message = throwable.getMessage();
        } catch (RuntimeException e) {
            message = null;
        }
        String name = throwable.getClass().getName();
        String text = message == null ? name : name + ": " + message;
        return throwable instanceof VirtualMachineError || text.contains("ai.djl.")
                ? text
                : "java.lang.Throwable: " + text;
    }

    /** The error that failed first, if there is any. */
    public Optional<OutOfMemory> first() {
        return failures.stream().findFirst();
    }

    /** All errors but the first. */
    public List<OutOfMemory> others() {
        return failures.isEmpty() ? List.of() : failures.subList(1, failures.size());
    }
}
