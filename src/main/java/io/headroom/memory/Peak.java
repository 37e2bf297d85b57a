package io.headroom.memory;

import io.headroom.units.Bytes;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a watched stretch took, at most and in the end.
 *
 * <p>Where operators were recorded, the profiler's own records, some 10 KiB an operator call, are in {@code highest} and
 * {@code after}: what the code itself took is then told by {@code operators} alone, and {@link #rose} and {@link #kept} are
 * absent.
 *
 * @param stage its name
 * @param before the process when it began
 * @param after the process when it ended
 * @param highest the highest resident set in between; absent where the system does not say
 * @param exact true if the kernel kept the mark, false if it was sampled and a short spike may be missing
 * @param took how long it lasted
 * @param profiled whether the operators' memory was asked for, so that the profiler ran too
 * @param operators memory by operator, largest first; empty unless asked for
 * @param untold why the operators that were asked for cannot be told; absent where they are
 */
public record Peak(
        String stage,
        Reading before,
        Reading after,
        OptionalLong highest,
        boolean exact,
        Duration took,
        boolean profiled,
        List<OperatorMemory> operators,
        Optional<String> untold) {
    /** What a peak with operators is not. */
    private static final String OWN_RECORDS =
            "The profiler's own records are in the peak and in what is held after it, some 10 KiB an operator call:"
                    + " watch(…) tells what the code itself takes.";

    public Peak {
        stage = Stage.name(stage);
        operators = List.copyOf(operators);
    }

    /** How far the peak rose above the beginning; absent where the profiler's own records are in it. */
    public OptionalLong rose() {
        return profiled ? OptionalLong.empty() : difference(highest, before.rss());
    }

    /** How much more the process holds in the end than in the beginning; absent where the profiler's own records are in it. */
    public OptionalLong kept() {
        return profiled ? OptionalLong.empty() : difference(after.rss(), before.rss());
    }

    private static OptionalLong difference(OptionalLong a, OptionalLong b) {
        return a.isPresent() && b.isPresent() ? OptionalLong.of(a.getAsLong() - b.getAsLong()) : OptionalLong.empty();
    }

    /** What must be known to read these numbers: whose bytes are in them, and why no operators are told. */
    public List<String> notes() {
        if (!profiled) {
            return List.of();
        }
        return untold.map(why -> List.of(OWN_RECORDS, "The operators cannot be told: " + why))
                .orElse(List.of(OWN_RECORDS));
    }

    /** {@code [step] 240.11 MiB → peak 1.21 GiB (+998.00 MiB) → 251.40 MiB (+11.29 MiB kept) in 0.41 s}, and the notes. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(stage.isEmpty() ? "" : "[" + stage + "] ");
        if (highest.isEmpty() || before.rss().isEmpty() || after.rss().isEmpty()) {
            text.append("memory of the process is not known on this system");
        } else {
            text.append(String.format(
                    Locale.ROOT,
                    "%s → peak %s%s → %s%s in %.2f s",
                    Bytes.format(before.rss().getAsLong()),
                    Bytes.format(highest.getAsLong()),
                    bracketed(rose().isPresent() ? Bytes.formatSigned(rose().getAsLong()) : "", exact ? "" : "sampled"),
                    Bytes.format(after.rss().getAsLong()),
                    bracketed(kept().isPresent() ? Bytes.formatSigned(kept().getAsLong()) + " kept" : ""),
                    took.toNanos() / 1e9));
        }
        notes().forEach(note -> text.append('\n').append(note));
        return text.toString();
    }

    private static String bracketed(String... parts) {
        String inner = Stream.of(parts).filter(part -> !part.isEmpty()).collect(Collectors.joining(", "));
        return inner.isEmpty() ? "" : " (" + inner + ")";
    }
}
