package io.headroom.cli;

import io.headroom.trace.Trace;

/** The most bytes of each kind that a followed step holds at once, each at its own moment; what is neither kind is an activation. */
record HighestByKind(long gradients, long optimizer, long activations) {
    static HighestByKind of(Trace trace) {
        long[] now = new long[Kind.values().length];
        long[] most = new long[now.length];
        for (int event = 0; event < trace.events(); event++) {
            switch (trace.kind(event)) {
                case ALLOC -> {
                    int kind = kind(trace, event);
                    now[kind] += bytes(trace, event);
                    most[kind] = Math.max(most[kind], now[kind]);
                }
                case FREE, FREE_REQUESTED -> now[kind(trace, event)] -= bytes(trace, event);
                default -> {}
            }
        }
        return new HighestByKind(
                most[Kind.GRADIENT.ordinal()], most[Kind.STATE.ordinal()], most[Kind.ACTIVATION.ordinal()]);
    }

    private enum Kind {
        WEIGHT,
        GRADIENT,
        STATE,
        ACTIVATION
    }

    private static int kind(Trace trace, int event) {
        return (switch (trace.operator(trace.allocation(event))) {
                    case "weight" -> Kind.WEIGHT;
                    case "gradient" -> Kind.GRADIENT;
                    case "optimizer state" -> Kind.STATE;
                    default -> Kind.ACTIVATION;
                })
                .ordinal();
    }

    private static long bytes(Trace trace, int event) {
        return trace.bytes(trace.allocation(event));
    }
}
