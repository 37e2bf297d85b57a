package io.headroom.memory;

import io.headroom.units.Bytes;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/**
 * What a watched stretch took, at most and in the end.
 *
 * @param stage its name
 * @param before the process when it began
 * @param after the process when it ended
 * @param highest the highest resident set in between; absent where the system does not say
 * @param exact true if the kernel kept the mark, false if it was sampled and a short spike may be missing
 * @param took how long it lasted
 * @param operators memory by operator, largest first; empty unless asked for
 */
public record Peak(
        String stage,
        Reading before,
        Reading after,
        OptionalLong highest,
        boolean exact,
        Duration took,
        List<OperatorMemory> operators) {

    public Peak {
        stage = Stage.name(stage);
        operators = List.copyOf(operators);
    }

    /** How far the peak rose above the beginning. */
    public OptionalLong rose() {
        return difference(highest, before.rss());
    }

    /** How much more the process holds in the end than in the beginning. */
    public OptionalLong kept() {
        return difference(after.rss(), before.rss());
    }

    private static OptionalLong difference(OptionalLong a, OptionalLong b) {
        return a.isPresent() && b.isPresent() ? OptionalLong.of(a.getAsLong() - b.getAsLong()) : OptionalLong.empty();
    }

    /** {@code [step] 240.11 MiB → peak 1.21 GiB (+998.00 MiB) → 251.40 MiB (+11.29 MiB kept) in 0.41 s}. */
    @Override
    public String toString() {
        if (rose().isEmpty() || kept().isEmpty()) {
            return (stage.isEmpty() ? "" : "[" + stage + "] ") + "memory of the process is not known on this system";
        }
        return String.format(
                Locale.ROOT,
                "%s%s → peak %s (%s%s) → %s (%s kept) in %.2f s",
                stage.isEmpty() ? "" : "[" + stage + "] ",
                Bytes.format(before.rss().getAsLong()),
                Bytes.format(highest.getAsLong()),
                Bytes.formatSigned(rose().getAsLong()),
                exact ? "" : ", sampled",
                Bytes.format(after.rss().getAsLong()),
                Bytes.formatSigned(kept().getAsLong()),
                took.toNanos() / 1e9);
    }
}
