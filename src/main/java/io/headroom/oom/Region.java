package io.headroom.oom;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/** One message in the making: from where it begins to where the next one may, and what was read of it so far. */
final class Region {
    final Squeezed source;
    final String text;
    final int start;
    final int bodyStart;
    final int limit;
    /** Where the message before this one ends; 0 for the first. */
    final int previousEnd;

    final Map<Field, Size> sizes = new EnumMap<>(Field.class);
    final List<GpuProcess> processes = new ArrayList<>();
    OptionalInt device = OptionalInt.empty();
    boolean impossible;
    int end;
    private final int base;
    private final String body;

    Region(Squeezed source, int start, int bodyStart, int limit, int previousEnd) {
        this.previousEnd = previousEnd;
        this.source = source;
        this.text = source.text;
        this.start = start;
        this.bodyStart = bodyStart;
        this.limit = limit;
        this.end = bodyStart;
        this.base = Math.max(0, start - 40);
        this.body = text.substring(base, Math.min(text.length(), limit));
    }

    boolean contains(String literal) {
        return find(literal, bodyStart) >= 0;
    }

    /** Whether the text goes on with this right behind the beginning. */
    boolean continuesWith(String literal) {
        return text.startsWith(literal, bodyStart);
    }

    /** What stands at most {@code reach} characters behind the message, up to the next exception. */
    String trail(int reach) {
        int from = Math.max(end, bodyStart);
        int to = Math.min(limit, from + reach);
        int header = Trace.nextHeader(source.original, source.at(Math.max(0, from - 1)), source.at(to));
        while (to > from && source.at(to - 1) >= header) {
            to--;
        }
        return text.substring(from, Math.max(from, to));
    }

    /** Whether the squeezed text has this at most {@code reach} characters before the beginning or behind the message. */
    boolean isNear(String literal, int before, int after) {
        return isNear(List.of(literal), before, after);
    }

    /** The same with any of several. */
    boolean isNear(List<String> literals, int before, int after) {
        int to = Math.min(limit, Math.max(end, bodyStart) + after);
        String near = text.substring(Math.max(0, start - before), Math.max(start, to));
        return literals.stream().anyMatch(near::contains);
    }

    /** The same with words as the original has them. */
    boolean isNear(Pattern words, int before, int after) {
        int from = source.at(Math.max(0, start - before));
        int to = source.at(Math.max(start, Math.min(limit, Math.max(end, bodyStart) + after)));
        return words.matcher(source.original).region(from, Math.max(from, to)).find();
    }

    /** What stands at most {@code reach} characters before the beginning, behind any earlier message and its stack. */
    String lead(int reach) {
        int from = Math.max(previousEnd, start - reach);
        int frames = Trace.lastFrameEnd(source.original, source.at(from), source.at(start));
        while (from < start && source.at(from) < frames) {
            from++;
        }
        return text.substring(from, Math.max(end, bodyStart));
    }

    /** Moves the end of the message behind a literal, if it is at most {@code reach} characters away. */
    Region until(String literal, int reach) {
        int at = find(literal, bodyStart);
        return at >= 0 && at <= bodyStart + reach ? until(literal) : this;
    }

    /** The original's character right behind the beginning; a line break at the end. */
    char next() {
        int after = source.at(bodyStart - 1) + 1;
        return after < source.original.length() ? source.original.charAt(after) : '\n';
    }

    /** What the original has behind the beginning, to the end of the line. */
    String restOfLine() {
        return restOfLine(bodyStart);
    }

    /** The same as a person reads it, where the text is of bytes. */
    String readableRest() {
        int after = Math.min(source.original.length(), source.at(bodyStart - 1) + 1);
        return source.decoded(after, Lines.end(source.original, after, 400));
    }

    /** What the original has behind all that was read, to the end of the line. */
    String behind() {
        return restOfLine(Math.max(end, bodyStart));
    }

    private String restOfLine(int from) {
        int after = Math.min(source.original.length(), source.at(from - 1) + 1);
        return source.original.substring(after, Lines.end(source.original, after, 400));
    }

    /** Moves the end of the message behind a literal, if it is there. */
    Region until(String literal) {
        int at = find(literal, bodyStart);
        if (at >= 0) {
            end = Math.max(end, at + literal.length());
        }
        return this;
    }

    /** Reads "{label}9.28GiB". */
    Region after(String label, Field field) {
        int at = find(label, bodyStart - label.length());
        for (; at >= 0; at = find(label, at + 1)) {
            int number = at + label.length();
            int numberEnd = numberEnd(number);
            int unitEnd = unitEnd(numberEnd);
            if (numberEnd > number && unitEnd > numberEnd) {
                put(field, text.substring(number, numberEnd), text.substring(numberEnd, unitEnd), unitEnd);
                return this;
            }
            if (isNoNumber(number)) {
                impossible |= field == Field.REQUESTED;
                end = Math.max(end, number);
                return this;
            }
        }
        return this;
    }

    /** Reads "{label}260498336{behind}": bytes without a unit. */
    Region count(String label, String behind, Field field) {
        int at = find(label, bodyStart - label.length());
        int number = at + label.length();
        int numberEnd = at < 0 ? number : digitsEnd(number);
        if (numberEnd > number && text.startsWith(behind, numberEnd)) {
            put(field, text.substring(number, numberEnd), "b", numberEnd + behind.length());
        }
        return this;
    }

    /** Reads "{label}9.28GiB" right before the beginning. */
    Region leading(String label, Field field) {
        String lead = lead(80);
        int at = lead.lastIndexOf(label);
        if (at >= 0) {
            int from = start - (lead.length() - (Math.max(end, bodyStart) - start)) + at + label.length();
            int numberEnd = numberEnd(from);
            int unitEnd = unitEnd(numberEnd);
            if (numberEnd > from && unitEnd > numberEnd && unitEnd <= start) {
                put(field, text.substring(from, numberEnd), text.substring(numberEnd, unitEnd), end);
            }
        }
        return this;
    }

    /** Reads "9.28GiB{label}". */
    Region before(String label, Field field) {
        for (int at = find(label, bodyStart); at >= 0; at = find(label, at + 1)) {
            int number = numberBefore(at);
            if (number >= bodyStart) {
                int unit = numberEnd(number);
                put(field, text.substring(number, unit), text.substring(unit, at), at + label.length());
                return this;
            }
        }
        return this;
    }

    /** Reads every "process1246069has577.00MiBmemoryinuse"; their sum is what other processes are said to hold. */
    Region processes() {
        for (int at = find("process", bodyStart); at >= 0; at = find("process", at + 1)) {
            int pid = at + "process".length();
            int pidEnd = digitsEnd(pid);
            if (pidEnd == pid || pidEnd - pid > 18 || !text.startsWith("has", pidEnd)) {
                continue;
            }
            int number = pidEnd + "has".length();
            int numberEnd = numberEnd(number);
            int unitEnd = unitEnd(numberEnd);
            if (unitEnd > numberEnd && unitEnd <= limit && text.startsWith("memoryinuse", unitEnd)) {
                long id = Long.parseLong(text.substring(pid, pidEnd));
                Size.of(text.substring(number, numberEnd), text.substring(numberEnd, unitEnd))
                        .ifPresent(size -> processes.add(new GpuProcess(id, size)));
                end = Math.max(end, unitEnd + "memoryinuse".length());
            }
        }
        if (!processes.isEmpty()) {
            sizes.put(
                    Field.OTHER_PROCESS,
                    processes.stream().map(GpuProcess::inUse).reduce(Size::plus).orElseThrow());
        }
        return this;
    }

    /** Reads the index in "{label}0{next}"; the text behind it must be {@code next} where that is given. */
    Region device(String label, String behind) {
        for (int at = find(label, Math.min(bodyStart, start) - 24); at >= 0; at = find(label, at + 1)) {
            int digits = at + label.length();
            int digitsEnd = digitsEnd(digits);
            if (digitsEnd > digits && digitsEnd - digits < 6 && text.startsWith(behind, digitsEnd)) {
                device = OptionalInt.of(Integer.parseInt(text.substring(digits, digitsEnd)));
                end = Math.max(end, digitsEnd);
                return this;
            }
        }
        return this;
    }

    OutOfMemory as(Backend allocator, Wording wording) {
        Backend backend = Java.delivered(this) ? Backend.JVM : allocator;
        return new OutOfMemory(
                backend,
                allocator,
                wording,
                sizes,
                processes,
                device,
                Optional.empty(),
                impossible,
                excerpt(),
                Java.isPredicting(this));
    }

    NearMiss notThis(String what) {
        return new NearMiss(what, excerpt());
    }

    private String excerpt() {
        int from = source.at(start);
        from = Lines.start(source.original, from, 200);
        int to = end > start ? source.at(end - 1) + 1 : from;
        to = Lines.end(source.original, to, 200);
        return Trace.readable(source.decoded(from, Math.min(to, from + 2000)));
    }

    private void put(Field field, String number, String unit, int fieldEnd) {
        Optional<Size> size = Size.of(number.replace(',', '.'), unit);
        size.ifPresent(value -> sizes.putIfAbsent(field, value));
        if (size.isEmpty() && field == Field.REQUESTED) {
            impossible = true;
        }
        end = Math.max(end, fieldEnd);
    }

    /** A number below zero, or what C prints where there is none. */
    private boolean isNoNumber(int at) {
        if (text.startsWith("nan", at) || text.startsWith("inf", at)) {
            return unitEnd(at + 3) > at + 3;
        }
        return at + 1 < limit && text.charAt(at) == '-' && isDigit(at + 1);
    }

    /** Whether a number that begins here is only the end of another: of "-3.00", "1.2.3.4", "1,024" or "1e999". */
    private boolean isTail(int number) {
        if (number == 0 || source.at(number - 1) + 1 != source.at(number)) {
            return false;
        }
        char before = text.charAt(number - 1);
        boolean behindDigit = number > 1 && isDigit(number - 2) && source.at(number - 2) + 1 == source.at(number - 1);
        return before == '-' || before == '+' || before == '.' || (behindDigit && (before == ',' || before == 'e'));
    }

    private int find(String literal, int from) {
        int at = body.indexOf(literal, Math.max(0, from - base));
        return at < 0 ? -1 : at + base;
    }

    private int digitsEnd(int from) {
        int i = from;
        while (i < limit && isDigit(i)) {
            i++;
        }
        return i;
    }

    private int numberEnd(int from) {
        int i = digitsEnd(from);
        if (i > from && i < limit && (text.charAt(i) == '.' || isDecimalComma(i))) {
            i = digitsEnd(i + 1);
        }
        return i;
    }

    /** Two digits behind a comma, as some tongues write what PyTorch prints with a point; three are thousands. */
    private boolean isDecimalComma(int at) {
        return at > 0
                && text.charAt(at) == ','
                && isDigit(at - 1)
                && digitsEnd(at + 1) == at + 3
                && source.at(at) + 1 == source.at(at + 1)
                && unitEnd(at + 3) > at + 3;
    }

    private int unitEnd(int from) {
        if (text.startsWith("bytes", from)) {
            return from + 5;
        }
        if (from < limit && text.charAt(from) == 'b') {
            return from + 1;
        }
        if (from < limit && "kmgt".indexOf(text.charAt(from)) >= 0) {
            int i = from + 1;
            if (i < limit && text.charAt(i) == 'i') {
                i++;
            }
            if (i < limit && text.charAt(i) == 'b') {
                return i + 1;
            }
            boolean ends = i >= limit || text.charAt(i) < 'a' || text.charAt(i) > 'z' || text.startsWith("from", i);
            if (i == from + 1 && ends) {
                return i;
            }
        }
        return from;
    }

    private int numberBefore(int end) {
        int i = end;
        while (i > bodyStart && text.charAt(i - 1) >= 'a' && text.charAt(i - 1) <= 'z' && end - i < 6) {
            i--;
        }
        int unit = i;
        while (i > bodyStart && isDigit(i - 1)) {
            i--;
        }
        if (i > bodyStart + 1 && (text.charAt(i - 1) == '.' || isDecimalComma(i - 1)) && isDigit(i - 2)) {
            i--;
            while (i > bodyStart && isDigit(i - 1)) {
                i--;
            }
        }
        return i < unit && unitEnd(unit) == end && !isTail(i) ? i : -1;
    }

    private boolean isDigit(int index) {
        char c = text.charAt(index);
        return c >= '0' && c <= '9';
    }
}
