package io.headroom.oom;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.engine.EngineException;
import ai.djl.translate.TranslateException;
import org.junit.jupiter.api.Test;

/** A throwable is searched with its causes and what it suppressed; the deepest failed first. */
class ThrowablesTest {
    private static final String CPU =
            "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory:"
                    + " you tried to allocate 65536000 bytes. Error code 12 (Cannot allocate memory)";

    @Test
    void djlsWrappersAreSeenThrough() {
        EngineException engine = new EngineException(CPU);

        OutOfMemory oom = OutOfMemory.read(new TranslateException(engine)).orElseThrow();

        assertThat(oom.backend()).isEqualTo(Backend.JVM);
        assertThat(oom.allocator()).isEqualTo(Backend.CPU);
        assertThat(oom.size(Field.REQUESTED)).contains(Size.exactly(65_536_000));
    }

    /** As Netty's own. */
    private static final class OutOfDirectMemoryError extends OutOfMemoryError {
        private static final long serialVersionUID = 1;

        OutOfDirectMemoryError(String message) {
            super(message);
        }
    }

    @Test
    void everyOutOfMemoryErrorIsOneWhateverItsNameAndItsText() {
        OutOfMemory netty = OutOfMemory.read(new OutOfDirectMemoryError(
                        "failed to allocate 16777216 byte(s) of direct memory (used: 520093703, max: 536870912)"))
                .orElseThrow();
        assertThat(netty.wording()).isEqualTo(Wording.DIRECT_BUFFER);
        assertThat(netty.size(Field.REQUESTED)).contains(Size.exactly(16_777_216));

        for (String text : new String[] {null, "", "pool 7 is spent", "StackOverflowError"}) {
            OutOfMemory own = OutOfMemory.read(new OutOfMemoryError(text) {
                        private static final long serialVersionUID = 1;
                    })
                    .orElseThrow();
            assertThat(own.backend()).isEqualTo(Backend.JVM);
        }
    }

    @Test
    void theDeepestCauseFailedFirst() {
        EngineException cuda = new EngineException("CUDA out of memory. Tried to allocate 2.00 GiB.");
        OutOfMemoryError heap = new OutOfMemoryError("Java heap space");
        heap.initCause(cuda);

        Log log = Log.read(heap);

        assertThat(log.first().orElseThrow().allocator()).isEqualTo(Backend.CUDA);
        assertThat(log.others()).extracting(OutOfMemory::wording).containsExactly(Wording.JAVA_HEAP);
    }

    @Test
    void anErrorInTheVirtualMachinesOwnLogIsRead() {
        OutOfMemory read = OutOfMemory.read("[1.236s][info][exceptions  ] Exception <a 'java/lang/OutOfMemoryError'"
                        + "{0x00000000ff8585e8}: Cannot reserve 262144 bytes of direct buffer memory"
                        + " (allocated: 29310240, limit: 29360128)>")
                .orElseThrow();
        assertThat(read.wording()).isEqualTo(Wording.DIRECT_BUFFER);
        assertThat(read.fields())
                .containsEntry("requested_bytes", 262144L)
                .containsEntry("max_allowed_bytes", 29360128L);
    }

    @Test
    void whatWasSuppressedIsSearchedToo() {
        IllegalStateException closing = new IllegalStateException("closing failed");
        closing.addSuppressed(new EngineException(CPU));

        assertThat(OutOfMemory.read(closing)).isPresent();
    }

    @Test
    void aCycleOfCausesEnds() {
        RuntimeException one = new RuntimeException("one");
        RuntimeException two = new RuntimeException("two", one);
        one.initCause(two);

        assertThat(OutOfMemory.read(one)).isEmpty();
    }

    @Test
    void theFailingLayerOfATorchScriptModelIsNamed() {
        String text =
                "The following operation failed in the TorchScript interpreter.\nTraceback of TorchScript, serialized code"
                        + " (most recent call last):\n  File \"code/__torch__/net.py\", line 12, in forward\n    y = torch.matmul(q, k)\n"
                        + "        ~~~~~~~~~~~~ <--- HERE\nRuntimeError: CUDA out of memory. Tried to allocate 2.37 GiB";

        assertThat(OutOfMemory.read(new EngineException(text)).orElseThrow().where())
                .contains("code/__torch__/net.py, line 12, in forward");
    }
}
