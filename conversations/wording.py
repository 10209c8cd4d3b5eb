def agent_text(message, *, shown=False):
    return message.text
def transcript_text(message):
    return message.text
