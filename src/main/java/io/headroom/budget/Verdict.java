package io.headroom.budget;

/** Whether a step goes into a limit. */
public enum Verdict {
    /** Even the upper bound is within the limit. */
    FITS("fits"),
    /** The expected peak is within the limit, its upper bound is not. */
    FITS_BARELY("fits barely"),
    /** The expected peak is beyond the limit. */
    DOES_NOT_FIT("does not fit");

    private final String words;

    Verdict(String words) {
        this.words = words;
    }

    /** Compares an estimate with a limit in bytes. */
    public static Verdict of(Estimate estimate, long limitBytes) {
        if (estimate.upperBytes() <= limitBytes) {
            return FITS;
        }
        return estimate.deviceBytes() <= limitBytes ? FITS_BARELY : DOES_NOT_FIT;
    }

    /** As a person says it: {@code "fits barely"}. */
    @Override
    public String toString() {
        return words;
    }
}
