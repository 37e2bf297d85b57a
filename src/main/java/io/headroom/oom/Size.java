package io.headroom.oom;

import io.headroom.units.Bytes;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Optional;

/**
 * A printed size: bytes, and by how much the printing may have rounded them.
 *
 * <p>{@code "2.93 GiB"} is 3 146 063 544 ± 5 368 710 bytes; {@code "65536000 bytes"} is exact. Arithmetic carries the
 * error: a difference of two sizes is known no better than both together. PyTorch's {@code KB MB GB} count 1024s.
 *
 * <pre>{@code
 * Size total = Size.of("44.53", "GiB").orElseThrow();
 * Size other = total.minus(free).minus(inUse);
 * other.low();                        // the least that it can be
 * other;                              // 12.00 MiB (± 15.36 MiB)
 * }</pre>
 *
 * <p>Immutable.
 *
 * @param bytes the value, possibly negative for a difference
 * @param error half of what one step of the last printed digit is worth, 0 or more
 */
public record Size(long bytes, long error) {
    private static final BigDecimal TWO = BigDecimal.valueOf(2);
    private static final BigDecimal LARGEST =
            BigDecimal.valueOf(1_000_000_000L).multiply(BigDecimal.valueOf(Bytes.GIB));
    /** Sums end here, so that several of them still fit a {@code long}. */
    private static final long MOST = Long.MAX_VALUE / 8;

    private static final int LONGEST = 40;

    public Size {
        if (error < 0) {
            throw new IllegalArgumentException("error is " + error + " bytes: it must be 0 or more.");
        }
    }

    /** A size known to the byte. */
    public static Size exactly(long bytes) {
        return new Size(bytes, 0);
    }

    /**
     * Reads a printed number and its unit as PyTorch writes them, 1024s throughout.
     *
     * @return empty if the unit is unknown, the text is no number, or the size is 10⁹ GiB or more, which no machine
     *     has: PyTorch prints 17179869184.00 GiB, 2⁶⁴ bytes, where a driver gave no answer
     */
    public static Optional<Size> of(String number, String unit) {
        long scale = scale(unit);
        if (scale == 0 || number.isEmpty() || number.length() > LONGEST) {
            return Optional.empty();
        }
        BigDecimal value;
        try {
            value = new BigDecimal(number);
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
        BigDecimal bytes = value.multiply(BigDecimal.valueOf(scale));
        if (bytes.signum() < 0 || bytes.compareTo(LARGEST) >= 0) {
            return Optional.empty();
        }
        BigDecimal step =
                scale == 1 ? BigDecimal.ZERO : BigDecimal.valueOf(scale).movePointLeft(value.scale());
        return Optional.of(new Size(
                bytes.setScale(0, RoundingMode.HALF_UP).longValue(),
                step.divide(TWO).setScale(0, RoundingMode.CEILING).longValue()));
    }

    private static long scale(String unit) {
        if (unit.isEmpty()) {
            return 0;
        }
        return switch (unit.charAt(0)) {
            case 'b', 'B' -> 1;
            case 'k', 'K' -> Bytes.KIB;
            case 'm', 'M' -> Bytes.MIB;
            case 'g', 'G' -> Bytes.GIB;
            case 't', 'T' -> Bytes.TIB;
            default -> 0;
        };
    }

    /** The least it can be; not below zero unless the value itself is. */
    public long low() {
        return bytes < 0 ? bytes - error : Math.max(0, bytes - error);
    }

    /** The most it can be. */
    public long high() {
        return bytes + error;
    }

    /** The sum; one beyond an EiB, which no machine has, ends there. */
    public Size plus(Size other) {
        return new Size(bounded(bounded(bytes) + bounded(other.bytes)), bounded(bounded(error) + bounded(other.error)));
    }

    /** The difference; negative where the other is larger. */
    public Size minus(Size other) {
        return new Size(bounded(bounded(bytes) - bounded(other.bytes)), bounded(bounded(error) + bounded(other.error)));
    }

    private static long bounded(long value) {
        return Math.max(-MOST, Math.min(MOST, value));
    }

    /** {@code "2.93 GiB"}, with {@code " (± 10.00 MiB)"} where the error is more than one in a hundred. */
    @Override
    public String toString() {
        String value = Bytes.format(bytes);
        return error > Math.abs(bytes) / 100 ? value + " (± " + Bytes.format(error) + ")" : value;
    }
}
