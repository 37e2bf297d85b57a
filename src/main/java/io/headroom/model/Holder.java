package io.headroom.model;

import io.headroom.units.Bytes;

/**
 * A variable through which open NDArrays are still reached.
 *
 * @param name the variable
 * @param type its declared type, without packages
 * @param arrays how many open arrays it reaches
 * @param bytes what they hold together; storage that several share counts once, except where the system does not tell (all but Linux)
 * @param atLeast whether it refers to more objects than were looked through, so that it may hold more
 */
public record Holder(String name, String type, int arrays, long bytes, boolean atLeast) {
    /** {@code variable years (NDList) holds 2 arrays, 62.50 MiB}. */
    @Override
    public String toString() {
        return "variable " + name + " (" + type + ") holds " + (atLeast ? "at least " : "") + what()
                + Bytes.format(bytes);
    }

    /** Whether it is a model that is still loaded: releasing it gives the bytes back. */
    public boolean isModel() {
        return type.equals(LoadedModel.class.getSimpleName());
    }

    private String what() {
        return isModel() ? "a loaded model, " : arrays + (arrays == 1 ? " array, " : " arrays, ");
    }
}
