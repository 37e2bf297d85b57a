package io.headroom.remedy;

import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Code to paste into a DJL training, by the place it belongs to, so that the code of several remedies makes one program.
 *
 * <pre>{@code
 * Code.model("ChunkedAttention.of(model.getBlock(), 8);").withTrainer("").then(Code.trainer(".halfPrecision()"));
 * // ChunkedAttention.of(model.getBlock(), 8);
 * // Trainer trainer = HeadroomTrainer.of(model, config).halfPrecision();
 * }</pre>
 *
 * @param model what is said before a trainer is made
 * @param trainer whether the trainer must be a {@link io.headroom.training.HeadroomTrainer}
 * @param settings what is called on it, as {@code .halfPrecision()}
 * @param step what stands in the loop
 * @param after what comes when the training is over
 */
public record Code(String model, boolean trainer, String settings, String step, String after) {
    private static final Code NONE = new Code("", false, "", "", "");

    static Code model(String lines) {
        return new Code(lines, false, "", "", "");
    }

    static Code trainer(String settings) {
        return NONE.withTrainer(settings);
    }

    static Code step(String lines) {
        return new Code("", false, "", lines, "");
    }

    Code withTrainer(String called) {
        return new Code(model, true, called, step, after);
    }

    Code withAfter(String lines) {
        return new Code(model, trainer, settings, step, lines);
    }

    /** Both, each part in its place. */
    public Code then(Code next) {
        return new Code(
                lines(model, next.model),
                trainer || next.trainer,
                settings + next.settings,
                lines(step, next.step),
                lines(after, next.after));
    }

    /** The whole program; where a training stands between its parts, a comment marks the place. */
    @Override
    public String toString() {
        return lines(
                model,
                trainer ? "Trainer trainer = HeadroomTrainer.of(model, config)" + settings + ";" : "",
                step.isEmpty() && !after.isEmpty() ? "// … train …" : step,
                after);
    }

    private static String lines(String... parts) {
        return Stream.of(parts).filter(part -> !part.isEmpty()).collect(Collectors.joining("\n"));
    }
}
