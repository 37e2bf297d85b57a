package io.headroom.diagnosis;

import io.headroom.remedy.Remedy;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What the failing cell's own text tells, and the same cell with a remedy in it. */
final class CellCode {
    private static final Pattern RUN = Pattern.compile("\\brun\\(\\s*([A-Za-z_$][\\w$]*)\\s*\\)");
    private static final Pattern BATCH = Pattern.compile(
            // The whole argument: of batch(1L << 20) or batch(2 * n) the number alone is not the batch.
            "(?:\\.batch\\(|\\bbatchSize\\s*=|\\.setSampling\\()\\s*(\\d[\\d_]{0,11}+)[lL]?\\s*(?:[,;)]|$)",
            Pattern.MULTILINE);
    private static final int LONGEST = 20_000;

    private CellCode() {}

    /** What the code shows about where the memory went; empty where it shows nothing. */
    static List<String> evidence(String code) {
        String head = code.length() > LONGEST ? code.substring(0, LONGEST) : code;
        List<String> seen = new ArrayList<>();
        LoopCode.collection(head)
                .ifPresent(name -> seen.add("The cell adds to " + name
                        + " in a loop: what is kept there stays, and memory grows with every pass."));
        Matcher batch = BATCH.matcher(head);
        if (batch.find()) {
            seen.add("The cell works with batches of " + batch.group(1).replace("_", "") + ".");
        }
        return seen;
    }

    /** {@code run(step.batch(7))}, where the cell ran a workload by its name. */
    static Optional<String> with(Remedy remedy, Workload workload, String code) {
        Matcher run = RUN.matcher(code);
        if (!remedy.changesWorkload() || !run.find()) {
            return Optional.empty();
        }
        Workload cheaper = remedy.apply(workload);
        StringBuilder cell = new StringBuilder("run(").append(run.group(1));
        for (Option option : Option.values()) {
            Object value = cheaper.get(option);
            if (!value.equals(workload.get(option))) {
                cell.append(setter(option)).append(literal(value)).append(')');
            }
        }
        return Optional.of(cell.append(')').toString());
    }

    private static String setter(Option option) {
        StringBuilder name = new StringBuilder();
        for (String word : option.key().split("_")) {
            name.append(name.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
        }
        boolean fluent = Stream.of(Workload.class.getMethods())
                .anyMatch(method -> method.getName().contentEquals(name) && method.getParameterCount() == 1);
        return fluent ? "." + name + "(" : ".with(Option." + option.name() + ", ";
    }

    private static String literal(Object value) {
        if (value instanceof Enum<?> choice) {
            return choice.getDeclaringClass().getSimpleName() + "." + choice.name();
        }
        return value instanceof Long number && number > Integer.MAX_VALUE ? number + "L" : String.valueOf(value);
    }
}
