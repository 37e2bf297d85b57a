package io.headroom.budget;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Map;

/**
 * How many measured steps were above the upper bound, of those that nothing was tuned on: the reporting half of the grid in
 * {@code docs/budget.md}, whose report writes the figures down for this class to read.
 *
 * @param steps measured
 * @param missed of them, above the bound
 */
public record MissRate(int steps, int missed) {
    private static final Map<Malloc, MissRate> ALL = read();

    static MissRate of(Malloc malloc) {
        return ALL.get(malloc);
    }

    /** The largest share of all such steps that these could have been drawn from, at 95 % confidence (Clopper and Pearson 1934). */
    public double atMost() {
        double low = (double) missed / steps;
        double high = 1;
        for (int i = 0; i < 60; i++) {
            double share = (low + high) / 2;
            if (chanceOfSoFew(share) > 0.05) {
                low = share;
            } else {
                high = share;
            }
        }
        return missed == steps ? 1 : high;
    }

    private double chanceOfSoFew(double share) {
        double term = Math.pow(1 - share, steps);
        double sum = term;
        for (int k = 1; k <= missed; k++) {
            term *= (steps - k + 1.0) / k * share / (1 - share);
            sum += term;
        }
        return sum;
    }

    private static Map<Malloc, MissRate> read() {
        Map<Malloc, MissRate> rates = new EnumMap<>(Malloc.class);
        try (InputStream in = MissRate.class.getResourceAsStream("miss-rates.csv");
                BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            lines.lines()
                    .skip(1)
                    .map(line -> line.split(","))
                    .forEach(cells -> rates.put(
                            Malloc.valueOf(cells[0]),
                            new MissRate(Integer.parseInt(cells[1]), Integer.parseInt(cells[2]))));
            return rates;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@code "0 of 34"}. */
    @Override
    public String toString() {
        return missed + " of " + steps;
    }
}
