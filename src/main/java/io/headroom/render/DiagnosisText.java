package io.headroom.render;

import io.headroom.diagnosis.Advice;
import io.headroom.diagnosis.Diagnosis;
import io.headroom.diagnosis.WontHelp;
import io.headroom.oom.Field;
import io.headroom.oom.OutOfMemory;
import java.util.List;

/** A diagnosis as plain text, for terminals, logs and front ends without HTML. */
public final class DiagnosisText {
    private DiagnosisText() {}

    /** The whole diagnosis, lines of any length, no trailing line break. */
    public static String of(Diagnosis diagnosis) {
        StringBuilder out = new StringBuilder(2048);
        out.append("Out of memory. ").append(diagnosis.what()).append('\n');
        MemoryPicture.of(diagnosis).ifPresent(picture -> out.append('\n').append(picture.text()));
        out.append("\nCause: ").append(diagnosis.cause().label());
        out.append(" (").append(diagnosis.confidenceInWords()).append(")\n");
        lines(diagnosis.evidence(), out);
        lines(diagnosis.implied(), out);
        if (!diagnosis.remedies().isEmpty()) {
            boolean told = toldOf(diagnosis.remedies());
            out.append('\n').append(title(diagnosis.remedies())).append(":\n");
            int number = 1;
            for (Advice advice : diagnosis.remedies()) {
                out.append("  ").append(number++).append(". ").append(advice.name());
                if (told) {
                    out.append(" · saves ").append(Diagnosis.saving(advice));
                }
                out.append(" · costs ").append(advice.cost());
                out.append("\n     ")
                        .append(advice.how().replace("\n", "\n     "))
                        .append('\n');
            }
        }
        if (!diagnosis.wontHelp().isEmpty()) {
            out.append("\nWon't help:\n");
            for (WontHelp each : diagnosis.wontHelp()) {
                out.append("  - ")
                        .append(each.name())
                        .append(", because ")
                        .append(each.because())
                        .append('\n');
            }
        }
        section("Not sure enough? Measure next:", diagnosis.measureNext(), out);
        section(
                "Later in the same text:",
                diagnosis.others().stream().map(DiagnosisText::line).toList(),
                out);
        return out.toString().stripTrailing();
    }

    /** What stands above the remedies: an order by bytes only where any are told. */
    static String title(List<Advice> remedies) {
        return toldOf(remedies) ? "What to do, most bytes first" : "What to try";
    }

    private static boolean toldOf(List<Advice> remedies) {
        return remedies.stream().anyMatch(advice -> advice.saves().isPresent());
    }

    /** One line on a failure: {@code "cuda: Tried to allocate 20.00 MiB"}. */
    static String line(OutOfMemory oom) {
        return oom.backend().label() + ": "
                + oom.size(Field.REQUESTED)
                        .map(size -> "asked for " + size)
                        .orElse(oom.wording().title())
                + (oom.device().isPresent() ? " on GPU " + oom.device().getAsInt() : "");
    }

    private static void section(String title, List<String> all, StringBuilder out) {
        if (!all.isEmpty()) {
            out.append('\n').append(title).append('\n');
            lines(all, out);
        }
    }

    private static void lines(List<String> all, StringBuilder out) {
        all.forEach(line -> out.append("  - ").append(line).append('\n'));
    }
}
