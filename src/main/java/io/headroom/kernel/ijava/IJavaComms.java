package io.headroom.kernel.ijava;

import io.github.spencerpark.jupyter.kernel.comm.CommManager;
import io.github.spencerpark.jupyter.messages.Message;
import io.github.spencerpark.jupyter.messages.comm.CommCloseCommand;
import io.github.spencerpark.jupyter.messages.comm.CommMsgCommand;
import io.headroom.kernel.KernelJson;
import io.headroom.widget.Comm;
import java.util.Map;

/** Comms over IJava's manager. Its maps are not made for two threads: opening and closing take turns. */
final class IJavaComms implements Comm.Opener {
    private final CommManager manager;

    IJavaComms(CommManager manager) {
        this.manager = manager;
    }

    @Override
    public Comm open(String target, Map<String, Object> metadata, Map<String, Object> data, Comm.Listener listener) {
        synchronized (manager) {
            Wire wire = manager.openComm(target, (owner, id, name, message) -> {
                message.getNonNullMetadata().putAll(metadata);
                KernelJson.fill(message.getContent(), data);
                return new Wire(owner, id, name, listener);
            });
            if (wire == null) {
                throw new IllegalStateException("a widget needs a running notebook: the kernel is not connected yet");
            }
            return wire.comm;
        }
    }

    @Override
    public void accept(String target, Comm.Listener listener) {
        synchronized (manager) {
            manager.registerTarget(target, (owner, id, name, message) -> new Wire(owner, id, name, listener));
        }
    }

    private static final class Wire extends io.github.spencerpark.jupyter.kernel.comm.Comm {
        private final Comm comm = new View();
        private final CommManager owner;
        private final Comm.Listener listener;

        Wire(CommManager owner, String id, String target, Comm.Listener listener) {
            super(owner, id, target);
            this.owner = owner;
            this.listener = listener;
        }

        @Override
        protected void onMessage(Message<CommMsgCommand> message) {
            try {
                // What is sent in answer names this message as its parent, as the protocol's echo needs.
                owner.setMessageContext(message);
                listener.onMessage(comm, KernelJson.read(message.getContent()));
            } catch (Throwable broken) {
                System.err.println("Headroom: a widget's message was lost: " + broken);
            }
        }

        @Override
        protected void onClose(Message<CommCloseCommand> message, boolean byKernel) {
            try {
                listener.onClose(comm);
            } catch (Throwable broken) {
                System.err.println("Headroom: a widget did not close cleanly: " + broken);
            }
        }

        private final class View implements Comm {
            @Override
            public String id() {
                return getID();
            }

            @Override
            public void send(Map<String, Object> data) {
                KernelJson.send(Wire.this, data);
            }

            @Override
            public void close() {
                synchronized (owner) {
                    if (!isClosed()) {
                        Wire.this.close();
                    }
                }
            }
        }
    }
}
