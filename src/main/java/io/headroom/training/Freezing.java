package io.headroom.training;

import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.util.Pair;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.List;

/**
 * Freezes layers: what is not trained needs no gradient and no optimizer state.
 *
 * <pre>{@code
 * Freezing freezing = Freezing.allBut(model.getBlock(), "head");     // before the trainer is made
 * freezing.bytes();                                                  // of the frozen weights
 * freezing.undo();
 * }</pre>
 *
 * @param frozen the parameters that this froze; those frozen before are not among them
 */
public record Freezing(List<Parameter> frozen) {
    public Freezing {
        frozen = List.copyOf(frozen);
    }

    /**
     * Freezes every parameter whose name holds none of these texts.
     *
     * @param names parts of parameter names as {@code block.getParameters()} lists them
     * @throws IllegalArgumentException without a name, if one of them matches nothing, or all is matched; nothing is frozen then
     */
    public static Freezing allBut(Block block, String... names) {
        if (names.length == 0) {
            throw new IllegalArgumentException(
                    "no names: with everything frozen nothing is trained. Name the layers to train, such as \"head\".");
        }
        for (String name : names) {
            if (block.getParameters().keys().stream().noneMatch(key -> key.contains(name))) {
                throw new IllegalArgumentException("no parameter's name contains \"" + name + "\". There are: "
                        + String.join(
                                ", ",
                                block.getParameters().keys().stream().limit(20).toList())
                        + (block.getParameters().size() > 20 ? ", …" : "") + ".");
            }
        }
        List<Parameter> frozen = new ArrayList<>();
        for (Pair<String, Parameter> parameter : block.getParameters()) {
            boolean trained = List.of(names).stream().anyMatch(parameter.getKey()::contains);
            if (!trained && parameter.getValue().requiresGradient()) {
                frozen.add(parameter.getValue());
            }
        }
        if (frozen.isEmpty()) {
            throw new IllegalArgumentException("names = " + List.of(names)
                    + " leave nothing to freeze: every trained parameter has one of them in its name. Use longer parts of"
                    + " names.");
        }
        frozen.forEach(parameter -> parameter.freeze(true));
        return new Freezing(frozen);
    }

    /** Bytes of the frozen weights: what a gradient would take, and half of what Adam's state would. */
    public long bytes() {
        return frozen.stream()
                .filter(Parameter::isInitialized)
                .mapToLong(parameter -> Bytes.times(
                        parameter.getShape().size(),
                        parameter.getArray().getDataType().getNumOfBytes()))
                .sum();
    }

    /** Trains them again. */
    public void undo() {
        frozen.forEach(parameter -> parameter.freeze(false));
    }
}
