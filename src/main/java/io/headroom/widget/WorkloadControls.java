package io.headroom.widget;

import io.headroom.workload.Architecture;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** A workload's options as sliders, choices and a check box, and back. */
final class WorkloadControls {
    private static final List<Option> SLIDERS = List.of(
            Option.BATCH,
            Option.NODES,
            Option.EDGES,
            Option.SEQ,
            Option.HEADS,
            Option.D_MODEL,
            Option.LAYERS,
            Option.FF,
            Option.FEATURES,
            Option.IMAGE,
            Option.OUTPUTS,
            Option.ACCUMULATION,
            Option.LORA_RANK);
    private static final Set<Option> TRAINING =
            Set.of(Option.OPTIMIZER, Option.CHECKPOINTING, Option.ACCUMULATION, Option.LORA_RANK);
    private static final List<Option> CHOICES = List.of(Option.PRECISION, Option.OPTIMIZER, Option.ATTENTION);

    private WorkloadControls() {}

    /** The workload with what the controls say; what has no control stays as it is. */
    static Workload read(Workload base, Values values) {
        Workload workload = base;
        for (Option option : SLIDERS) {
            workload = set(workload, option, values);
        }
        for (Option option : CHOICES) {
            workload = set(workload, option, values);
        }
        boolean wanted = Boolean.TRUE.equals(values.all().get(Option.CHECKPOINTING.key()));
        long segments =
                base.checkpointing() > 0 ? Math.min(base.checkpointing(), workload.layers()) : workload.layers();
        if (wanted || workload.checkpointing() > 0) {
            workload = workload.checkpointing(wanted ? segments : 0);
        }
        return workload.validate();
    }

    private static Workload set(Workload workload, Option option, Values values) {
        Object value = values.all().get(option.key());
        return value == null || value.equals(plain(workload.get(option))) ? workload : workload.with(option, value);
    }

    private static Object plain(Object value) {
        return value instanceof Enum<?> choice ? choice.name().toLowerCase(Locale.ROOT) : value;
    }

    /** The values with which the controls say a workload. */
    static Values values(Values before, Workload workload) {
        Values values = before;
        for (String key : before.all().keySet()) {
            Optional<Option> option = Option.ofKey(key);
            if (option.isPresent()) {
                Object value = plain(workload.get(option.get()));
                values = values.with(key, option.get() == Option.CHECKPOINTING ? workload.checkpointing() > 0 : value);
            }
        }
        return values;
    }

    static List<Control> of(Workload workload) {
        List<Control> controls = new ArrayList<>();
        for (Option option : SLIDERS) {
            if (applies(workload, option)) {
                controls.add(slider(workload, option));
            }
        }
        for (Option option : CHOICES) {
            if (applies(workload, option)) {
                controls.add(new Control.Choice(option.key(), option.key(), option.meaning(), option.choices(), (String)
                        plain(workload.get(option))));
            }
        }
        if (applies(workload, Option.CHECKPOINTING)) {
            controls.add(new Control.Check(
                    Option.CHECKPOINTING.key(),
                    Option.CHECKPOINTING.key(),
                    "gradient checkpointing: keep only each layer's input, compute the rest again in the backward pass",
                    workload.checkpointing() > 0));
        }
        return controls;
    }

    static boolean applies(Workload workload, Option option) {
        boolean merged = workload.has(Option.HEADS) || workload.nodes() > 1;
        return workload.has(option)
                && !(workload.isInference() && TRAINING.contains(option))
                && (option != Option.NODES || merged)
                && !(option == Option.EDGES && workload.edges() == 0)
                && !(option == Option.FEATURES && workload.has(Option.VOCAB) && workload.vocab() > 0)
                && (option != Option.OUTPUTS || workload.architecture() != Architecture.TRANSFORMER);
    }

    private static Control slider(Workload workload, Option option) {
        long value = workload.number(option);
        long reach =
                switch (option) {
                    case BATCH -> 256;
                    case NODES, HEADS, ACCUMULATION -> 32;
                    case SEQ -> 1024;
                    case EDGES -> 16_384;
                    case LAYERS -> 24;
                    case LORA_RANK -> 64;
                    case D_MODEL -> 2048;
                    case FF -> 8192;
                    case IMAGE -> 512;
                    default -> 256;
                };
        long step =
                switch (option) {
                    case D_MODEL -> workload.has(Option.HEADS) ? workload.heads() : 1;
                    case FF -> gcd(64, value);
                    default -> 1;
                };
        long least = option == Option.FEATURES || option == Option.LORA_RANK ? 0 : step;
        long most = Math.max(reach, value > Long.MAX_VALUE / 4 ? value : 4 * value);
        return new Control.Slider(option.key(), option.key(), option.meaning(), least, most, step, value);
    }

    static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}
