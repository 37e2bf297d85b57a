package io.headroom.units;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Parses, prints and adds byte counts, exactly.
 *
 * <p>Sizes are {@code long} bytes everywhere in the library. Text is read as people type it: {@code GiB MiB KiB} (and
 * the bare {@code G M K} of JVM options) count 1024s, {@code GB MB kB} count 1000s, in any case and with or without a
 * blank. Printing is binary, two decimals, as PyTorch prints.
 *
 * <pre>{@code
 * Bytes.parse("1.5 GiB");      // 1610612736
 * Bytes.parse("512MB");        // 512000000
 * Bytes.format(65_536_000);    // "62.50 MiB"
 * Bytes.times(1600, 80, 128, 4);
 * }</pre>
 *
 * <p>Stateless and safe for any number of threads.
 */
public final class Bytes {
    public static final long KIB = 1L << 10;
    public static final long MIB = 1L << 20;
    public static final long GIB = 1L << 30;
    public static final long TIB = 1L << 40;

    private static final Pattern SIZE = Pattern.compile("([0-9]+(?:[.][0-9]*)?|[.][0-9]+)\\s*([A-Za-z]*)");
    private static final int LONGEST = 64;
    private static final Map<String, Long> UNITS = Map.ofEntries(
            Map.entry("", 1L),
            Map.entry("b", 1L),
            Map.entry("byte", 1L),
            Map.entry("bytes", 1L),
            Map.entry("k", KIB),
            Map.entry("kib", KIB),
            Map.entry("kb", 1_000L),
            Map.entry("m", MIB),
            Map.entry("mib", MIB),
            Map.entry("mb", 1_000_000L),
            Map.entry("g", GIB),
            Map.entry("gib", GIB),
            Map.entry("gb", 1_000_000_000L),
            Map.entry("t", TIB),
            Map.entry("tib", TIB),
            Map.entry("tb", 1_000_000_000_000L));

    private Bytes() {}

    /**
     * Reads a size such as {@code "2 GiB"}, {@code "1.5 GB"}, {@code "512MB"} or {@code "4096"} (bytes).
     *
     * @return whole bytes, fractions rounded to the nearest
     * @throws IllegalArgumentException if the text is no size, is negative or does not fit a {@code long}; the message
     *     names the text and shows valid ones
     */
    public static long parse(String text) {
        String trimmed = text == null ? "" : text.strip();
        Matcher matcher = SIZE.matcher(trimmed);
        Long unit = trimmed.length() <= LONGEST && matcher.matches()
                ? UNITS.get(matcher.group(2).toLowerCase(Locale.ROOT))
                : null;
        if (unit == null) {
            throw new IllegalArgumentException(
                    "\"" + shown(text)
                            + "\" is not a size. Write a number and a unit: \"2 GiB\" (binary), \"1.5 GB\" (decimal), \"512 MiB\".");
        }
        BigDecimal bytes = new BigDecimal(matcher.group(1))
                .multiply(BigDecimal.valueOf(unit))
                .setScale(0, RoundingMode.HALF_UP);
        if (bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
            throw new IllegalArgumentException(
                    "\"" + shown(text) + "\" is more than 8 EiB, the largest size counted here.");
        }
        return bytes.longValueExact();
    }

    /** Prints bytes as PyTorch does: {@code "512 bytes"}, {@code "62.50 MiB"}, {@code "11.50 GiB"}; binary units. */
    public static String format(long bytes) {
        if (bytes < 0) {
            return bytes == Long.MIN_VALUE ? "-8589934592.00 GiB" : "-" + format(-bytes);
        }
        if (bytes <= KIB) {
            return bytes + " bytes";
        }
        if (bytes <= MIB) {
            return String.format(Locale.ROOT, "%.2f KiB", bytes / (double) KIB);
        }
        if (bytes <= GIB) {
            return String.format(Locale.ROOT, "%.2f MiB", bytes / (double) MIB);
        }
        return String.format(Locale.ROOT, "%.2f GiB", bytes / (double) GIB);
    }

    /** Prints a difference with its sign: {@code "+1.24 GiB"}, {@code "-300.00 MiB"}, {@code "+0 bytes"}. */
    public static String formatSigned(long bytes) {
        return bytes < 0 ? format(bytes) : "+" + format(bytes);
    }

    /**
     * Multiplies sizes without wrapping.
     *
     * @throws ArithmeticException if the product is beyond 2⁶³ − 1 bytes; the message shows the factors
     */
    public static long times(long... factors) {
        long product = 1;
        for (long factor : factors) {
            try {
                product = Math.multiplyExact(product, factor);
            } catch (ArithmeticException e) {
                throw new ArithmeticException(
                        join(factors, " × ") + " is more than 2^63 bytes: make one of them smaller.");
            }
        }
        return product;
    }

    /**
     * Adds sizes without wrapping.
     *
     * @throws ArithmeticException if the sum is beyond 2⁶³ − 1 bytes; the message shows the terms
     */
    public static long plus(long... terms) {
        long sum = 0;
        for (long term : terms) {
            try {
                sum = Math.addExact(sum, term);
            } catch (ArithmeticException e) {
                throw new ArithmeticException(
                        join(terms, " + ") + " is more than 2^63 bytes: make one of them smaller.");
            }
        }
        return sum;
    }

    private static String join(long[] values, String between) {
        StringBuilder text = new StringBuilder();
        for (long value : values) {
            text.append(text.length() == 0 ? "" : between).append(value);
        }
        return text.toString();
    }

    private static String shown(String text) {
        if (text == null) {
            return "null";
        }
        return text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "…";
    }
}
