CANNOT_HEAR="x"
def queue_fetch(a): pass
def is_awaited(m): return False
def cannot_hear(m): return False
def shown(m): return {}
def forget(ms):
    from conversations.models import Attachment
    Attachment.objects.filter(message__in=ms).delete()
