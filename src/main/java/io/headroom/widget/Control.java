package io.headroom.widget;

import java.util.List;

/**
 * One control of a {@link Panel}: what it is called, what it may be set to, what it starts at.
 *
 * <p>Its value in {@link Values} is a {@code Long}, a {@code String} or a {@code Boolean}.
 */
public sealed interface Control {
    /** The key of its value. */
    String key();

    /** What stands beside it. */
    String label();

    /** What it means, shown on hover. */
    String help();

    /** What it starts at. */
    Object initial();

    /** A whole number on a slider; typing over the number beside it sets it exactly. */
    record Slider(String key, String label, String help, long min, long max, long step, long start) implements Control {
        public Slider {
            if (min > start || start > max || step < 1) {
                throw new IllegalArgumentException(key + " = " + start + ": a slider from " + min + " to " + max
                        + " in steps of " + step + " cannot start there.");
            }
        }

        @Override
        public Object initial() {
            return start;
        }
    }

    /** One of a few words. */
    record Choice(String key, String label, String help, List<String> options, String start) implements Control {
        public Choice {
            options = List.copyOf(options);
            if (!options.contains(start)) {
                throw new IllegalArgumentException(key + " = \"" + start + "\" is none of " + options + ".");
            }
        }

        @Override
        public Object initial() {
            return start;
        }
    }

    /** Yes or no. */
    record Check(String key, String label, String help, boolean start) implements Control {
        @Override
        public Object initial() {
            return start;
        }
    }
}
