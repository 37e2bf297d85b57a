package io.headroom.cli;

import io.headroom.budget.Device;
import io.headroom.budget.cuda.Card;
import io.headroom.budget.cuda.Cards;
import io.headroom.budget.cuda.CudaFit;
import io.headroom.units.Bytes;
import java.util.Optional;

/**
 * What {@code --limit} says: a size, or a card by its name.
 *
 * @param total the bytes of it, of a card as its driver counts them; 0 for none
 * @param room what of them there is above the idle device: of a named card less the CUDA context, of a size all of it
 * @param card its name; a spec of sizes that names no device of its own is for it
 */
record Limit(long total, long room, int capability, Optional<String> card) {
    static final Limit NONE = new Limit(0, 0, Card.UNKNOWN, Optional.empty());

    /**
     * Reads the option.
     *
     * @throws IllegalArgumentException if it is neither, or a number that is most likely meant in another unit than bytes
     */
    static Limit of(String text) {
        if (text == null) {
            return NONE;
        }
        String plain = text.strip();
        if (!plain.isEmpty() && Character.isLetter(plain.charAt(0))) {
            return named(plain);
        }
        Device.refuseSlice("--limit", plain);
        long bytes = Bytes.parse(text);
        if (bytes == 0) {
            throw new IllegalArgumentException("--limit " + text + ": give a positive size, or leave it out.");
        }
        if (bytes < Bytes.MIB && plain.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw new IllegalArgumentException("--limit " + plain + " is " + plain
                    + " bytes: give it a unit, such as \"24 GiB\", or a card's name, such as \"RTX 4090\".");
        }
        return new Limit(bytes, bytes, Card.UNKNOWN, Optional.empty());
    }

    private static Limit named(String name) {
        try {
            Card card = Cards.named(name);
            return new Limit(
                    card.bytes(), card.bytes() - CudaFit.CONTEXT_BYTES, card.capability(), Optional.of(card.name()));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("--limit: " + e.getMessage(), e);
        }
    }
}
