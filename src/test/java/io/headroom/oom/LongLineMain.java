package io.headroom.oom;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.stream.IntStream;

/** Reads one line of 64 MiB with a message in every MiB; run in a heap that could not hold the line. */
public final class LongLineMain {
    private LongLineMain() {}

    public static void main(String[] args) throws IOException {
        String message =
                "CUDA out of memory. Tried to allocate 1.70 GiB (GPU 0; 6.00 GiB total capacity; 2.93 GiB already"
                        + " allocated; 0 bytes free) ";
        byte[] part = (message + "z ".repeat((1 << 19) - message.length() / 2)).getBytes(StandardCharsets.US_ASCII);
        InputStream line = new SequenceInputStream(Collections.enumeration(IntStream.range(0, 64)
                .mapToObj(each -> (InputStream) new ByteArrayInputStream(part))
                .toList()));
        Log log = Log.read(line);
        System.out.println(log.bytes() / part.length + " " + log.failures().size() + " "
                + log.failures().get(0).fields().get("requested_bytes"));
    }
}
