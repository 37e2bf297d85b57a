package io.headroom.training;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A cell's words with the brackets they stand in: which names it declares itself, and what its training calls are given.
 *
 * <p>What a cell declares outside all brackets becomes a variable of the notebook; parameters, patterns, resources and
 * locals in blocks do not, though they may have one's name.
 */
final class CellScope {
    private static final Pattern WORD =
            Pattern.compile("[A-Za-z_$][\\w$]*|\\d[\\w.]*|->|\\.\\.\\.|::|&&|\\|\\||[=!<>]=|\\S");
    private static final Pattern NAME = Pattern.compile("[A-Za-z_$][\\w$]*");
    private static final Set<String> NO_TYPES = Set.of(
            "return",
            "new",
            "throw",
            "case",
            "else",
            "yield",
            "instanceof",
            "assert",
            "do",
            "extends",
            "implements",
            "throws",
            "class",
            "record",
            "interface",
            "enum",
            "import",
            "package",
            "break",
            "continue",
            "permits");
    private static final Set<String> NUMBERS = Set.of("int", "long", "short", "byte", "float", "double");
    private static final Set<String> MADE_OF = Set.of("NDList", "Batch");
    private static final Set<String> GATHERS = Set.of("batch", "of", "asList", "singletonList");

    private final List<String> words = new ArrayList<>();
    private final List<Integer> inside = new ArrayList<>();
    private final List<Integer> closing = new ArrayList<>();
    private final Set<String> declared = new HashSet<>();
    private final Set<String> numbers = new HashSet<>();

    /** @param code without comments and strings */
    CellScope(String code) {
        Deque<Integer> open = new ArrayDeque<>();
        Matcher each = WORD.matcher(code);
        while (each.find()) {
            String word = each.group();
            boolean closes = ")]}".contains(word);
            if (closes && !open.isEmpty()) {
                closing.set(open.pop(), words.size());
            }
            words.add(word);
            inside.add(open.isEmpty() ? -1 : open.peek());
            closing.add(-1);
            if ("([{".contains(word)) {
                open.push(words.size() - 1);
            }
        }
        declare();
    }

    /** Names that are declared within brackets, and so are not the notebook's variables of that name there. */
    Set<String> declared() {
        return declared;
    }

    private void declare() {
        Set<Integer> declaring = new HashSet<>();
        Set<Integer> counting = new HashSet<>();
        for (int i = 0; i < words.size(); i++) {
            int in = inside.get(i);
            if (is(i, ";")) {
                declaring.remove(in);
            } else if (isName(i) && typed(i)) {
                declaring.add(in);
                counting.remove(in);
                if (NUMBERS.contains(word(i - 1))) {
                    counting.add(in);
                }
                add(i, counting.contains(in));
            } else if (isName(i)
                    && is(i - 1, ",")
                    && declaring.contains(in)
                    && (is(i + 1, "=") || is(i + 1, ";") || is(i + 1, ",") || is(i + 1, ":"))) {
                add(i, counting.contains(in));
            } else if (isName(i) && is(i + 1, "->")) {
                declared.add(word(i));
            } else if (is(i, "(") && closing.get(i) > 0 && is(closing.get(i) + 1, "->")) {
                for (int k = i + 1; k < closing.get(i); k++) {
                    if (isName(k) && inside.get(k) == i && (is(k + 1, ",") || is(k + 1, ")"))) {
                        declared.add(word(k));
                    }
                }
            }
        }
    }

    private void add(int at, boolean number) {
        if (inside.get(at) >= 0) {
            declared.add(word(at));
            if (number) {
                numbers.add(word(at));
            }
        }
    }

    /** Whether a type stands before this name. */
    private boolean typed(int at) {
        return !NO_TYPES.contains(word(at))
                && !is(at + 1, "(")
                && !is(at + 1, ".")
                && (isName(at - 1) && !NO_TYPES.contains(word(at - 1))
                        || is(at - 1, "]") && is(at - 2, "[")
                        || is(at - 1, ">")
                        || is(at - 1, "..."));
    }

    /**
     * Whether each call that trains is given one of these variables, whole and without a count of rows beside it, and each of
     * them that stands bare in the code is given to such a call.
     */
    boolean trainsOn(Set<String> arrays, Predicate<String> isArray, Predicate<String> isNumber) {
        Set<Integer> fed = new HashSet<>();
        for (int i = 0; i < words.size(); i++) {
            if (arrays.contains(word(i)) && !is(i - 1, ".")) {
                follow(i, fed, new HashSet<>(), isArray, isNumber);
            }
        }
        for (int i = 0; i < words.size(); i++) {
            if (is(i + 1, "(") && trains(i) && !fed.contains(i)) {
                return false;
            }
        }
        return !fed.isEmpty();
    }

    private void follow(
            int from, Set<Integer> fed, Set<String> seen, Predicate<String> array, Predicate<String> number) {
        int start = from;
        int end = from;
        while (true) {
            int in = inside.get(start);
            if (is(start - 1, "=") && isName(start - 2) && (is(end + 1, ";") || is(end + 1, ")"))) {
                through(start - 2, fed, seen, array, number);
                return;
            }
            boolean whole = (is(start - 1, "(") || is(start - 1, ",") || is(start - 1, "{"))
                    && (is(end + 1, ")") || is(end + 1, ",") || is(end + 1, "}"));
            if (!whole || in < 1) {
                return;
            }
            boolean made = is(in, "(") && is(in - 2, "new") && MADE_OF.contains(word(in - 1));
            boolean listed = is(in, "{") && is(in - 1, "]");
            boolean gathered = is(in, "(") && GATHERS.contains(word(in - 1)) && isOnly(in, array);
            boolean trained = is(in, "(") && trains(in - 1);
            if (trained && !(split(in, number))) {
                fed.add(in - 1);
            } else if (!made && !listed && !gathered) {
                return;
            }
            start = begin(in);
            end = closing.get(in);
            if (end < 0) {
                return;
            }
        }
    }

    /** Goes on with the uses of a local that is this and nothing else. */
    private void through(
            int at, Set<Integer> fed, Set<String> seen, Predicate<String> array, Predicate<String> number) {
        String local = word(at);
        long set = 0;
        for (int i = 0; i < words.size(); i++) {
            set += word(i).equals(local) && (is(i + 1, "=") || is(i + 1, ":") || is(i + 1, "->") || i != at && typed(i))
                    ? 1
                    : 0;
        }
        if (!declared.contains(local) || set != 1 || !seen.add(local)) {
            return;
        }
        for (int i = at + 1; i < words.size(); i++) {
            if (word(i).equals(local) && !is(i - 1, ".")) {
                follow(i, fed, seen, array, number);
            }
        }
    }

    /** Where the expression starts whose arguments this bracket opens. */
    private int begin(int bracket) {
        int at = bracket - 1;
        if (is(bracket, "{")) {
            while (at > 0 && !is(at, "new") && inside.get(at).equals(inside.get(bracket))) {
                at--;
            }
            return at;
        }
        while (is(at - 1, ".") && (isName(at - 2) || is(at - 2, ")"))) {
            at -= 2;
            if (is(at, ")")) {
                int open = closing.indexOf(at);
                at = open > 0 ? open - 1 : 0;
            }
        }
        return is(at - 1, "new") ? at - 1 : at;
    }

    private boolean isOnly(int bracket, Predicate<String> array) {
        for (int k = bracket + 1; k < closing.get(bracket); k++) {
            if (!is(k, ",") && !(isName(k) && array.test(word(k)))) {
                return false;
            }
        }
        return true;
    }

    /** A number beside the array may be the size of the batches that the call makes of it. */
    private boolean split(int bracket, Predicate<String> number) {
        if (is(bracket - 1, "forward") || is(bracket - 3, "MicroBatches")) {
            return false;
        }
        for (int k = bracket + 1; k < closing.get(bracket); k++) {
            boolean counts = Character.isDigit(word(k).charAt(0)) || numbers.contains(word(k)) || number.test(word(k));
            if (inside.get(k) == bracket && counts) {
                return true;
            }
        }
        return false;
    }

    /** Calls that take the batch. */
    private boolean trains(int at) {
        String word = word(at);
        return word.equals("forward")
                || word.startsWith("fit")
                || word.startsWith("train") && !word.startsWith("training") && !word.equals("trainer");
    }

    private String word(int at) {
        return at < 0 || at >= words.size() ? "" : words.get(at);
    }

    private boolean is(int at, String word) {
        return word(at).equals(word);
    }

    private boolean isName(int at) {
        return NAME.matcher(word(at)).matches();
    }
}
