package io.headroom.oom;

import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What an out-of-memory error states, in numbers, and nothing that it does not state.
 *
 * <p>Reads CUDA (torch 0.1 – 2.11), ROCm, Intel GPU, Metal and CPU allocators, cuBLAS, cuDNN, NCCL and DataLoader
 * disguises, the kernel's killer, every {@code java.lang.OutOfMemoryError} and HotSpot's native failure, TensorFlow and
 * JAX; however wrapped, prefixed, coloured, cut or nested in other exceptions.
 *
 * <pre>{@code
 * OutOfMemory oom = OutOfMemory.read(pasted).orElseThrow();
 * oom.backend();                            // CUDA
 * oom.size(Field.REQUESTED);                // Optional[4.15 GiB]
 * oom.wording().torch();                    // "2.2 or newer"
 * }</pre>
 *
 * <p>Immutable; {@code read} never throws for any text. For several messages in one text and for what is no memory
 * error, see {@link Log}.
 *
 * @param backend who printed it; {@link Backend#JVM} for all that a Java exception delivers
 * @param allocator whose memory it was: differs from {@code backend} where DJL wraps a libtorch message
 * @param wording which sentence it is
 * @param sizes what it states, each with the error of its printing
 * @param processes the "Process N has … memory in use" clauses in the order printed
 * @param device the device's index
 * @param where the failing line of a TorchScript model, {@code "code/layer.py, line 12, in forward"}
 * @param impossible a size was negative, not a number or beyond 2⁶⁰ bytes: an overflow, so a wrong shape
 * @param excerpt the message as it stood in the text, at most 2 000 characters
 * @param predicting the stack trace goes through a DJL {@code Predictor} and through no training
 */
public record OutOfMemory(
        Backend backend,
        Backend allocator,
        Wording wording,
        Map<Field, Size> sizes,
        List<GpuProcess> processes,
        OptionalInt device,
        Optional<String> where,
        boolean impossible,
        String excerpt,
        boolean predicting)
        implements Finding {

    public OutOfMemory {
        Map<Field, Size> copy = new EnumMap<>(Field.class);
        copy.putAll(sizes);
        sizes = Collections.unmodifiableMap(copy);
        processes = List.copyOf(processes);
    }

    /** The first out-of-memory error in a text; empty if there is none, or if the text is {@code null}. */
    public static Optional<OutOfMemory> read(String text) {
        return Log.read(text).first();
    }

    /**
     * The out-of-memory error behind a throwable: itself, its causes (the deepest failed first), then what was
     * suppressed; empty if none of them is one.
     */
    public static Optional<OutOfMemory> read(Throwable throwable) {
        return Log.read(throwable).first();
    }

    /** An {@code OutOfMemoryError} that says nothing known: its type is enough. */
    static OutOfMemory unnamed(String text) {
        return new OutOfMemory(
                Backend.JVM,
                Backend.JVM,
                Wording.JAVA_OTHER,
                Map.of(),
                List.of(),
                OptionalInt.empty(),
                Optional.empty(),
                false,
                text.substring(0, Math.min(text.length(), 2000)),
                false);
    }

    OutOfMemory placed(Optional<String> line) {
        return new OutOfMemory(
                backend, allocator, wording, sizes, processes, device, line, impossible, excerpt, predicting);
    }

    OutOfMemory worded(Wording other, String said) {
        return new OutOfMemory(
                backend, allocator, other, sizes, processes, device, where, impossible, said, predicting);
    }

    OutOfMemory whilePredicting() {
        return new OutOfMemory(backend, allocator, wording, sizes, processes, device, where, impossible, excerpt, true);
    }

    /** A size that the message states. */
    public Optional<Size> size(Field field) {
        return Optional.ofNullable(sizes.get(field));
    }

    /**
     * The sizes by their names in JSON, with {@code device_index}: what a data file holds for the message. Private pools
     * are left out, being part of what is allocated.
     */
    public Map<String, Long> fields() {
        Map<String, Long> fields = new LinkedHashMap<>();
        sizes.forEach((field, size) -> {
            if (field != Field.PRIVATE_POOLS) {
                fields.put(field.label(), size.bytes());
            }
        });
        device.ifPresent(index -> fields.put("device_index", (long) index));
        return fields;
    }

    /** Whether a Java exception delivered another allocator's message, as DJL does. */
    public boolean isWrapped() {
        return backend != allocator;
    }
}
