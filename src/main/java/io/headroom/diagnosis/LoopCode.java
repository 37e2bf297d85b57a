package io.headroom.diagnosis;

import io.headroom.training.CellSource;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the collection that a cell's loop fills: declared before the loop, and added to as a statement in its body. */
final class LoopCode {
    private static final Pattern LOOP = Pattern.compile("\\b(?:for|while)\\s*\\(|\\bdo\\s*\\{");
    private static final Pattern ADDS =
            Pattern.compile("(?:^|[;{})])\\s*([A-Za-z_$][\\w$]*)\\.(?:add|addAll|put|offer|push)\\s*\\(([^;]*)");
    private static final String COLLECTION = "(?:List|Map|Set|Deque|Queue|Collection|Vector|Stack|NDList)";
    private static final Pattern BUILDS = Pattern.compile("[Bb]lock|[Bb]uilder|\\.build\\(\\)|Activation|Initializer");
    private static final Pattern BUILT = Pattern.compile("(?i)block|net|model|seq|config|builder|dataset|trainer");

    private LoopCode() {}

    static Optional<String> collection(String cell) {
        String code = CellSource.code(cell);
        Matcher loop = LOOP.matcher(code);
        while (loop.find()) {
            int open = loop.group().endsWith("{")
                    ? loop.end() - 1
                    : code.indexOf('{', end(code, loop.end() - 1, '(', ')'));
            int head = loop.group().endsWith("{") ? open : end(code, loop.end() - 1, '(', ')');
            boolean braces = open >= 0 && code.substring(head, open).isBlank();
            String body = braces ? code.substring(open, end(code, open, '{', '}')) : statement(code, head);
            Optional<String> name = adds(body, code.substring(0, loop.start()));
            if (name.isPresent()) {
                return name;
            }
        }
        return Optional.empty();
    }

    private static Optional<String> adds(String body, String before) {
        Matcher adds = ADDS.matcher(body);
        while (adds.find()) {
            String name = adds.group(1);
            boolean local = declares(body, name, "[\\w$<>\\[\\], ?]+");
            boolean kept = declares(before, name, "[\\w.$]*" + COLLECTION + "\\b[\\w<>\\[\\], ?.]*")
                    || Pattern.compile(
                                    "\\bvar\\s+" + Pattern.quote(name) + "\\s*=\\s*new\\s+[\\w.]*" + COLLECTION + "\\b")
                            .matcher(before)
                            .find();
            boolean elsewhere = !declares(before, name, "[\\w$<>\\[\\], ?.]+")
                    && !BUILDS.matcher(adds.group(2)).find()
                    && !BUILT.matcher(name).find();
            if (!local && (kept || elsewhere)) {
                return Optional.of(name);
            }
        }
        return Optional.empty();
    }

    private static boolean declares(String code, String name, String type) {
        return Pattern.compile("(?:^|[;{}(\\s])(?!return\\b|new\\b)" + type + "\\s+" + Pattern.quote(name)
                        + "\\s*(?:=(?!=)|;|:)")
                .matcher(code)
                .find();
    }

    private static String statement(String code, int from) {
        int end = code.indexOf(';', from);
        return code.substring(Math.min(from, code.length()), end < 0 ? code.length() : end + 1);
    }

    /** Right behind the bracket that closes the one at {@code open}; the code's end if none does. */
    private static int end(String code, int open, char opening, char closing) {
        int depth = 0;
        for (int i = open; i < code.length(); i++) {
            char c = code.charAt(i);
            depth += c == opening ? 1 : c == closing ? -1 : 0;
            if (depth == 0) {
                return i + 1;
            }
        }
        return code.length();
    }
}
